"""The register of running workers, by which sweeps and people see that one is alive."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from psycopg.rows import args_row, scalar_row
from sqlalchemy import Text, bindparam, delete, exists, func, select
from sqlalchemy.dialects.postgresql import Insert, insert

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement, fixed
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.database.tables import storyboard_workers, storyboards
from storyboard_worker.errors import RowsHidden
from storyboard_worker.queries.columns import (
    ALONG_AN_INDEX,
    HIDDEN,
    NOW,
    has_expired,
    has_lapsed,
    is_pending,
    is_processing,
    rows_are_hidden,
    seconds,
)
from storyboard_worker.storyboard import NOTIFY_CHANNEL, WorkerBeat

workers = storyboard_workers.c

FORGOTTEN_AFTER_SECONDS = 3600

LAPSED = exists().where(is_processing, has_lapsed).select_from(storyboards)
EXPIRED = exists().where(is_pending, has_expired).select_from(storyboards)


@dataclass(frozen=True, slots=True)
class Chores:
    """Whether there are ``lapsed`` leases to rescue or ``expired`` links to fail.

    ``hidden``: row-level security hides the rows, so neither can be seen.
    """

    lapsed: bool
    expired: bool
    hidden: bool


class WorkerRegister:
    """``lease_seconds`` is also how long a worker counts as alive after its last beat."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._database = database
        self._lease_seconds = lease_seconds

    def beat(self, beat: WorkerBeat) -> None:
        """Write that the worker is alive. The first beat registers it."""
        with self._database.transaction() as connection:
            connection.execute(_beating(beat))

    def beat_and_look(self, beat: WorkerBeat, *, proof: str | None = None) -> Chores:
        """Like :meth:`beat`, and look for chores in the same statement, which saves two others.

        With ``proof``, send it as a notification along with the beat. Raises :class:`RowsHidden`.
        """
        statement = _beating(beat).returning(LAPSED, EXPIRED, rows_are_hidden)
        looking = Call(fixed(statement, **ALONG_AN_INDEX), {}, args_row(Chores))
        if proof is None:
            [chores] = self._database.run(looking)
        else:
            proving = Call(_notifying(), {"payload": proof}, scalar_row)
            [chores], _ = self._database.run_both(looking, proving)
        if chores.hidden:
            raise RowsHidden(HIDDEN)
        return chores

    def leave(self, worker_id: str) -> None:
        """Delete the row of a worker that ends cleanly, or is known to have ended."""
        with self._database.transaction() as connection:
            connection.execute(delete(storyboard_workers).where(workers.worker_id == worker_id))

    def forget_dead(self) -> int:
        """Delete the rows of workers not seen for an hour; returns how many."""
        dead = workers.last_seen_at < NOW - seconds(FORGOTTEN_AFTER_SECONDS)
        with self._database.transaction() as connection:
            return connection.execute(delete(storyboard_workers).where(dead)).rowcount

    def alive(self) -> list[dict[str, Any]]:
        """The rows of the workers that are alive, oldest first."""
        statement = (
            select(storyboard_workers)
            .where(workers.last_seen_at > NOW - seconds(self._lease_seconds))
            .order_by(workers.started_at)
        )
        with self._database.transaction() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def notify(self, payload: str) -> None:
        """Send ``payload`` on the workers' channel. A listener that gets it can hear."""
        with self._database.transaction() as connection:
            connection.execute(select(func.pg_notify(NOTIFY_CHANNEL, payload)))


@cache
def _notifying() -> FixedStatement:
    return fixed(select(func.pg_notify(NOTIFY_CHANNEL, bindparam("payload", type_=Text))))


def paused_upstreams(alive: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The upstreams that these workers do not ask now, and until when."""
    return [
        {"upstream": upstream, "until": until, "worker_id": worker["worker_id"]}
        for worker in alive
        for upstream, until in sorted(worker["paused"].items())
    ]


def _beating(beat: WorkerBeat) -> Insert:
    facts: dict[str, Any] = {
        "hostname": beat.hostname,
        "pid": beat.pid,
        "version": beat.version,
        "state": str(beat.state),
        "concurrency": beat.concurrency,
        "in_flight": beat.in_flight,
        "paused": _until(beat.paused_seconds),
        "last_seen_at": NOW,
    }
    statement = insert(storyboard_workers).values(worker_id=beat.worker_id, **facts)
    return statement.on_conflict_do_update(index_elements=["worker_id"], set_=facts)


def _until(paused_seconds: dict[str, float]) -> Any:
    """JSON of upstream → moment, by the database's clock."""
    arguments: list[Any] = []
    for upstream, remaining in sorted(paused_seconds.items()):
        arguments += [upstream, NOW + seconds(remaining)]
    return func.jsonb_build_object(*arguments)
