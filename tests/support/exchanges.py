"""The purpose of an exchange with the database, recognised by its SQL."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.support.database_faults import LOGIN, Ending, Exchange, Fault, Place

UNKNOWN = "unknown"

# The first mark that fits counts.
MARKS = (
    ("login", re.escape(LOGIN)),
    ("commit", r"^COMMIT$"),
    ("rollback", r"^ROLLBACK$"),
    ("migration", r"^\s*(CREATE|ALTER|DROP|REVOKE|DO)\s|^UPDATE public\.\w+ SET\n"),
    ("migrations' lock", r"pg_(try_)?advisory_xact_lock"),
    ("realtime look", r"nspname = 'realtime'"),
    ("schema version", r"(INTO|UPDATE|FROM) (public\.)?storyboard_worker_version"),
    ("schema look", r"FROM pg_catalog\.pg_class JOIN pg_catalog\.pg_namespace"),
    ("explained claim", r"^EXPLAIN"),
    ("listen", r"^LISTEN "),
    ("beat with proof", r"storyboard_workers.*pg_notify"),
    ("proof", r"pg_notify"),
    ("refill", r"jsonb_to_recordset.*gen_random_uuid"),
    *((name, f'"transition": "{name}"') for name in ("retry", "release", "fail")),
    ("completion", r"jsonb_to_recordset"),
    ("claim of one", r"WHERE public\.storyboards\.id = '.*gen_random_uuid"),
    ("claim", r"SKIP LOCKED.*gen_random_uuid"),
    ("renewal", r"AS ours \(id, token\)"),
    ("give back", r"free AS MATERIALIZED"),
    ("held tokens", r"SELECT public\.storyboards\.claim_token"),
    ("shown images", r"public\.storyboards\.cdn_url\) IN"),
    ("give back lost", r"lost AS MATERIALIZED"),
    ("rescue", r"AS exhausted"),
    ("expire", r"status = 'pending' AND .*SET status='failed'"),
    ("event note", r"SET sentry_event_id="),
    ("put back", r"status = 'failed' FOR UPDATE"),
    ("beat", r"INSERT INTO public\.storyboard_workers"),
    ("leave", r"DELETE FROM public\.storyboard_workers WHERE .*worker_id ="),
    ("forget workers", r"DELETE FROM public\.storyboard_workers"),
    ("forget attempts", r"DELETE FROM public\.storyboard_attempts"),
    ("workers", r"SELECT public\.storyboard_workers"),
    ("alarm seen", r"INSERT INTO public\.storyboard_alarms"),
    ("alarms cleared", r"DELETE FROM public\.storyboard_alarms"),
    ("next due", r"\bAS due\b.*AS seconds_until_due"),
    ("signs", r"SELECT now\(\) AS now_1"),
    ("counts", r"SELECT \(SELECT count\(\*\)[^)]*public\.storyboards"),
    ("insert", r"INSERT INTO public\.storyboards "),
    ("as written", r"storyboards\.error_message IS NOT DISTINCT FROM"),
    ("rows in doubt", r"storyboards\.error_code = .*storyboards\.errored_at >"),
    ("causes", r"SELECT public\.storyboards\.error_code, lower"),
    ("rows", r"SELECT public\.storyboards\.id, public\.storyboards\.project_id"),
    ("new pictures", r"SELECT public\.storyboards\.id, public\.storyboards\.cdn_url"),
    ("departures", r"public\.storyboard_departures"),
    ("orphans", r"public\.storyboard_orphans"),
    ("failed ids", r"SELECT public\.storyboards\.id"),
    ("kind of connection", r"SELECT pg_backend_pid\(\)"),
    ("opening", r"pg_catalog\.version|current_schema\(\)|transaction isolation|conforming_str"),
    ("begin", r"^BEGIN"),
    ("setting", r"^SET "),
    # The looks of doctor.
    ("inspection", r"^(SHOW|SELECT|WITH) "),
)
# These change the database. The others only look, or prepare.
WRITING = {
    *("schema version", "refill", "completion", "claim of one", "claim", "give back lost"),
    *("rescue", "expire", "release", "retry", "fail", "event note", "put back", "give back"),
    *("beat with proof", "beat", "leave", "insert"),
}
COMPILED = tuple((name, re.compile(mark, re.DOTALL)) for name, mark in MARKS)


def kind_of(exchange: Exchange) -> str:
    """The kind of an exchange.

    A commit or a rollback has the kind of its transaction; it is :data:`UNKNOWN` where no mark
    fits.
    """
    name = _kind(exchange.sql)
    if name in {"commit", "rollback"} and exchange.before:
        return f"{name} of {_kind(exchange.before[-1])}"
    return name


def _kind(sql: str) -> str:
    return next((name for name, mark in COMPILED if mark.search(sql)), UNKNOWN)


def writes(kind: str) -> bool:
    """Whether it changes rows that others rely on, or commits such a change."""
    return kind.removeprefix("commit of ") in WRITING


def of_kind(name: str) -> Callable[[Exchange], bool]:
    return lambda exchange: kind_of(exchange) == name


@dataclass(frozen=True, slots=True)
class Step:
    """The ``occurrence``-th exchange of its kind within a run."""

    kind: str
    occurrence: int = 1

    def __str__(self) -> str:
        return self.kind if self.occurrence == 1 else f"{self.kind} {self.occurrence}"

    def fault(self, place: Place, ending: Ending) -> Fault:
        return Fault(of_kind(self.kind), place, ending, self.occurrence)


def steps_of(exchanges: Iterable[Exchange]) -> list[Step]:
    """Each exchange of a run, as a step at which another run can be spoiled."""
    seen: Counter[str] = Counter()
    steps = []
    for exchange in exchanges:
        kind = kind_of(exchange)
        seen[kind] += 1
        steps.append(Step(kind, seen[kind]))
    return steps
