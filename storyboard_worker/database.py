"""The one way to the database: short transactions that work behind any pooler.

No session state is kept (``SET LOCAL`` only) and nothing is prepared on the server, so a
transaction pooler (pgbouncer, Supabase on port 6543) is as good as a direct connection.
Every statement has a time-out. Errors of the driver become :class:`DatabaseUnavailable` or
:class:`SchemaOutdated` here and nowhere else.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import conninfo
from sqlalchemy import Connection, Engine, create_engine, exc
from sqlalchemy.pool import QueuePool

from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated

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

BEGIN = (
    f"BEGIN; SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_SECONDS * 1000}; "
    f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_SECONDS * 1000}; "
    f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_SECONDS * 1000:.0f}"
)


class Database:
    """A small pool of connections to one database.

    ``dsn`` is any form that libpq reads; see :func:`storyboard_worker.dsn.dsn_from_url`.
    """

    def __init__(self, dsn: str, *, max_connections: int = 3) -> None:
        self._dsn = dsn
        self._engine = _engine(dsn, max_connections)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One short transaction, committed at the end of the block.

        Raises :class:`DatabaseUnavailable` when waiting may help (away, restarting, too
        many connections, time-out, deadlock) and :class:`SchemaOutdated` when tables or
        columns are missing.
        """
        with translated(), self._engine.connect() as connection:
            # The engine is in autocommit, so that BEGIN and the time-outs share a round trip.
            connection.exec_driver_sql(BEGIN)
            yield connection
            connection.exec_driver_sql("COMMIT")

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
        raise _ours(error) from error


def _ours(error: exc.DBAPIError) -> Exception:
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate in SCHEMA_SQLSTATES:
        return SchemaOutdated(
            f"the schema is missing or outdated ({one_line(error.orig)}); "
            "mend: storyboard-worker migrate"
        )
    waiting_helps = isinstance(error, exc.OperationalError | exc.InterfaceError) or (
        sqlstate in {INSUFFICIENT_PRIVILEGE, READ_ONLY}
    )
    if waiting_helps or error.connection_invalidated:
        return DatabaseUnavailable(one_line(error.orig))
    return error


def one_line(error: BaseException | None) -> str:
    """What the driver said, without its line breaks."""
    return " ".join(str(error).split())
