"""The one way to the database: short transactions that work behind any pooler.

No session state is kept (``SET LOCAL`` only) and nothing is prepared on the server, so a
transaction pooler (pgbouncer, Supabase on port 6543) is as good as a direct connection.
Every statement has a time-out. Errors of the driver become :class:`DatabaseUnavailable` or
:class:`SchemaOutdated` here and nowhere else.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import psycopg
from psycopg import conninfo
from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.messages import Call, Row, exchange

Other = TypeVar("Other")

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 15
# Rows locked by a machine that vanished within a transaction are free again after this.
IDLE_TIMEOUT_SECONDS = 15
# A row that somebody else holds in a long transaction must not keep the few connections:
# whoever wants it gives way and comes again.
LOCK_TIMEOUT_SECONDS = 0.5
POOL_TIMEOUT_SECONDS = 30
# Recycled well before the idle limits of poolers and of NAT gateways.
MAX_CONNECTION_AGE_SECONDS = 1800

# Under which the pool keeps when it made a connection.
MADE_AT = "made_at"

# A connection whose peer vanished is noticed within a minute, not within two hours.
KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

# SQLSTATEs of «the tables are not (all) there»: undefined table, column, function.
SCHEMA_SQLSTATES = frozenset({"42P01", "42703", "42883"})
# Rights that were not granted (yet): waiting for a person, like a database that is away.
INSUFFICIENT_PRIVILEGE = "42501"
# A standby after a failover answers so until the pool has moved on.
READ_ONLY = "25006"

TIME_OUTS = (
    f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_SECONDS * 1000}; "
    f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_SECONDS * 1000:.0f}"
)
BEGIN = (
    f"BEGIN; {TIME_OUTS}; "
    f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_SECONDS * 1000}"
)


class Database:
    """A small pool of connections to one database.

    ``dsn`` is any form that libpq reads; see :func:`storyboard_worker.dsn.dsn_from_url`.
    ``errors`` counts the transactions that failed because it was away or not migrated.
    """

    def __init__(self, dsn: str, *, max_connections: int = 3) -> None:
        self._dsn = dsn
        self._engine = _engine(dsn, max_connections)
        self._broken_at = float("-inf")
        self.errors = 0
        self._distrust_broken()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One short transaction, committed at the end of the block.

        Raises :class:`DatabaseUnavailable` when waiting may help (away, restarting, too
        many connections, time-out, deadlock) and :class:`SchemaOutdated` when tables or
        columns are missing.
        """
        with self._counted(), translated(), self._engine.connect() as connection:
            # The engine is in autocommit, so that BEGIN and the time-outs share a round trip.
            connection.exec_driver_sql(BEGIN)
            yield connection
            connection.exec_driver_sql("COMMIT")

    def run(self, call: Call[Row]) -> list[Row]:
        """A whole transaction of one statement, in one round trip; its rows.

        Raises what :meth:`transaction` raises. For what runs for every image: beside three
        round trips it saves two thirds of the processor time, which SQLAlchemy spends on
        results that psycopg has ready.
        """
        [rows] = self._run_script(call)
        return rows

    def run_both(self, one: Call[Row], other: Call[Other]) -> tuple[list[Row], list[Other]]:
        """The same with two statements in one transaction, still in one round trip."""
        rows, others = self._run_script(one, other)
        return rows, others

    def _run_script(self, *calls: Call[Any]) -> list[list[Any]]:
        with self._counted(), translated(), self._borrowed() as connection:
            return exchange(connection, TIME_OUTS, calls)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseUnavailable, SchemaOutdated):
            self.errors += 1
            raise

    @contextmanager
    def _borrowed(self) -> Iterator[psycopg.Connection]:
        pooled = self._engine.raw_connection()
        connection = cast("psycopg.Connection", pooled.driver_connection)
        try:
            yield connection
        except psycopg.Error as error:
            if connection.closed and getattr(error, "sqlstate", None) not in SCHEMA_SQLSTATES:
                # Whatever it is called: poolers have codes of their own for it.
                raise DatabaseUnavailable(one_line(error)) from error
            raise
        finally:
            if connection.closed:
                # What broke this one has broken those that lie in the pool.
                self._broken_at = time.monotonic()
                pooled.invalidate()
            pooled.close()

    def _distrust_broken(self) -> None:
        """Have the pool replace connections that are older than the last one that broke."""

        @event.listens_for(self._engine, "connect")
        def made(_connection: object, record: ConnectionPoolEntry) -> None:
            record.info[MADE_AT] = time.monotonic()

        @event.listens_for(self._engine, "checkout")
        def taken(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
            if record.info[MADE_AT] <= self._broken_at:
                raise exc.DisconnectionError

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection whose transactions the caller minds (migrations)."""
        with translated(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def listening(self, channel: str) -> Iterator[psycopg.Connection]:
        """A connection of its own, outside the pool, that hears ``channel``.

        Whether notifications really arrive is for the caller to prove: behind a transaction
        pooler LISTEN succeeds and nothing ever comes.
        """
        try:
            with _connect(self._dsn) as connection:
                connection.execute(f"LISTEN {channel}")
                yield connection
        except psycopg.Error as error:
            raise DatabaseUnavailable(one_line(error)) from error

    def close(self) -> None:
        self._engine.dispose()


def _engine(dsn: str, max_connections: int) -> Engine:
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: _connect(dsn),
        isolation_level="AUTOCOMMIT",
        poolclass=QueuePool,
        pool_size=max_connections,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_recycle=MAX_CONNECTION_AGE_SECONDS,
        pool_use_lifo=True,
        # hstore would cost a query for every new connection, and we store none.
        use_native_hstore=False,
    )


def _connect(dsn: str) -> psycopg.Connection:
    return psycopg.connect(
        conninfo.make_conninfo(dsn, **connection_options(dsn)),
        autocommit=True,
        # Prepared statements are session state, which a transaction pooler does not keep.
        prepare_threshold=None,
    )


def connection_options(dsn: str) -> dict[str, str | int]:
    """Keep-alive and time-out, unless the DSN says otherwise."""
    given = conninfo.conninfo_to_dict(dsn)
    options: dict[str, str | int] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **KEEPALIVE}
    options["application_name"] = "storyboard-worker"
    return {name: value for name, value in options.items() if name not in given}


@contextmanager
def translated() -> Iterator[None]:
    """The border: inside, errors of driver and SQLAlchemy; outside, ours."""
    try:
        yield
    except exc.TimeoutError as error:
        raise DatabaseUnavailable("no free database connection") from error
    except exc.DBAPIError as error:
        raise _ours(error.orig, lost=error.connection_invalidated) or error from error
    except psycopg.Error as error:
        raise _ours(error) or error from error


def _ours(error: BaseException | None, *, lost: bool = False) -> Exception | None:
    """What a driver's error is to us; ``None`` for one that nobody expected."""
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate in SCHEMA_SQLSTATES:
        return SchemaOutdated(
            f"the schema is missing or outdated ({one_line(error)}); "
            "mend: storyboard-worker migrate"
        )
    waiting_helps = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or (
        sqlstate in {INSUFFICIENT_PRIVILEGE, READ_ONLY}
    )
    return DatabaseUnavailable(one_line(error)) if waiting_helps or lost else None


def one_line(error: BaseException | None) -> str:
    """What the driver said, without its line breaks."""
    return " ".join(str(error).split())
