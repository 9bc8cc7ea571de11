"""Examines the database server. Nothing here changes anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import scalar_row
from sqlalchemy import Connection, func, select, text

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.claim_statements import ClaimFilter, claim_statement
from storyboard_worker.queries.columns import has_lapsed, is_processing
from storyboard_worker.queries.hidden_rows import check_rows_are_seen
from storyboard_worker.queries.unanswered_claims import MARK_CHARACTERS
from storyboard_worker.storyboard import Group

# As many as a worker with the default settings takes at once.
CLAIMED_ROWS = 16
CLAIM_VALUES: dict[str, Any] = {
    "mark": "0" * (MARK_CHARACTERS - 5) + "-0000",
    "worker_id": "doctor",
    "lease": timedelta(minutes=1),
}


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction of another process that has been open for ``seconds``."""

    pid: int
    seconds: float
    state: str
    application: str


@dataclass(frozen=True, slots=True)
class TableHealth:
    """Live rows of ``storyboards``, dead rows not vacuumed yet, and whether autovacuum is on."""

    live: int
    dead: int
    autovacuum_on: bool
    autovacuum_on_for_table: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why transactions cannot write: the server is a standby, or a setting says so.

    ``source`` is where the setting comes from, as ``pg_settings`` names it.
    """

    is_standby: bool
    source: str
    database: str
    role: str


@dataclass(frozen=True, slots=True)
class Connections:
    used: int
    most: int


@contextmanager
def read_only(database: Database) -> Iterator[Connection]:
    """A transaction in which the server itself refuses to change anything."""
    with database.transaction() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        yield connection


class Inspection:
    def __init__(self, database: Database) -> None:
        self._database = database

    def server_version(self) -> int:
        """The major version."""
        with read_only(self._database) as connection:
            number = connection.execute(text("SHOW server_version_num")).scalar_one()
        return int(number) // 10_000

    def moment(self) -> datetime:
        """The database's clock."""
        with read_only(self._database) as connection:
            moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment

    def refusal(self) -> Refusal | None:
        """Why transactions cannot write; ``None`` where they can."""
        statement = text(
            "SELECT pg_is_in_recovery(), source, current_database(), current_user, setting::bool "
            "FROM pg_settings WHERE name = 'default_transaction_read_only'"
        )
        with read_only(self._database) as connection:
            *found, is_default = connection.execute(statement).one()
        refusal = Refusal(*found)
        return refusal if refusal.is_standby or is_default else None

    def connections(self) -> Connections:
        statement = text(
            "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
            "current_setting('max_connections')::int"
        )
        with read_only(self._database) as connection:
            return Connections(*connection.execute(statement).one())

    def oldest_transaction(self) -> OpenTransaction | None:
        """The oldest of other processes in this database; ``None`` if this role sees none."""
        statement = text(
            "SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::float, "
            "coalesce(state, ''), coalesce(application_name, '') FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend' AND xact_start IS NOT NULL "
            "ORDER BY xact_start LIMIT 1"
        )
        with read_only(self._database) as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else OpenTransaction(*found)

    def lock_holder(self) -> OpenTransaction | None:
        """The transaction whose lock on the whole table stops all writes, if there is one."""
        statement = text(
            "SELECT pid, extract(epoch FROM clock_timestamp() - coalesce(xact_start, "
            "backend_start))::float, coalesce(state, ''), coalesce(application_name, '') "
            "FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE relation = to_regclass('public.storyboards') AND granted AND mode IN "
            "('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') "
            "AND pid <> pg_backend_pid() ORDER BY 2 DESC LIMIT 1"
        )
        with read_only(self._database) as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else OpenTransaction(*found)

    def prepared_transaction(self) -> tuple[str, float] | None:
        """The name of the oldest prepared transaction, and its age in seconds."""
        statement = text(
            "SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float "
            "FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 1"
        )
        with read_only(self._database) as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else (found[0], found[1])

    def table_health(self) -> TableHealth:
        statement = text(
            "SELECT coalesce(n_live_tup, 0), coalesce(n_dead_tup, 0), "
            "current_setting('autovacuum')::bool, "
            "NOT EXISTS (SELECT FROM pg_options_to_table(reloptions) "
            "WHERE option_name = 'autovacuum_enabled' AND NOT option_value::bool) "
            "FROM pg_class LEFT JOIN pg_stat_user_tables ON relid = pg_class.oid "
            "WHERE pg_class.oid = 'public.storyboards'::regclass"
        )
        with read_only(self._database) as connection:
            return TableHealth(*connection.execute(statement).one())

    def lapsed(self) -> int:
        """How many rows are processing although their lease ran out."""
        statement = select(func.count()).where(is_processing, has_lapsed).select_from(storyboards)
        with read_only(self._database) as connection:
            return int(connection.execute(statement).scalar_one())

    def claim_indexes(self) -> set[str]:
        """The names of the indexes that a claim would use."""
        statement = claim_statement(CLAIMED_ROWS, ClaimFilter(Group.NEW))
        explained = replace(statement, text=f"EXPLAIN (FORMAT JSON) {statement.text}")
        [plan] = self._database.run(Call(explained, CLAIM_VALUES, scalar_row))
        return set(_index_names(plan))

    def rehearse_claim(self) -> None:
        """Claim the most urgent rows and roll that back in the same message.

        Raises what a worker's claim would raise, and :class:`RowsHidden`.
        """
        with read_only(self._database) as connection:
            check_rows_are_seen(connection)
        for group in Group:
            statement = claim_statement(CLAIMED_ROWS, ClaimFilter(group))
            self._database.rehearse(Call(statement, CLAIM_VALUES, scalar_row))


def _index_names(plan: Any) -> Iterator[str]:
    if isinstance(plan, list):
        for part in plan:
            yield from _index_names(part)
    elif isinstance(plan, dict):
        if "Index Name" in plan:
            yield plan["Index Name"]
        for part in plan.values():
            yield from _index_names(part)
