"""Short transactions on a few connections, which work behind any pooler.

No session state is kept (``SET LOCAL`` only) and nothing is prepared on the server, so a
transaction pooler (pgbouncer, Supabase on port 6543) is as good as a direct connection. Every
exchange has an end on our side. Errors of the driver become ours here and nowhere else.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from storyboard_worker.database.bounded_connection import BoundedConnection
from storyboard_worker.database.dialing import Dialer
from storyboard_worker.database.one_round_trip import Call, Row, exchange
from storyboard_worker.database.session import Session
from storyboard_worker.database.translation import (
    SCHEMA_SQLSTATES,
    is_read_only,
    one_line,
    translated,
)
from storyboard_worker.errors import (
    CommitInDoubt,
    DatabaseUnavailable,
    NotReached,
    SchemaOutdated,
)

Other = TypeVar("Other")

TIMEOUT_SECONDS = 15.0
# What waiting for a connection may add to the time of an exchange.
POOL_TIMEOUT_SECONDS = 5.0
# Recycled well before the idle limits of poolers and of NAT gateways.
MAX_CONNECTION_AGE_SECONDS = 1800
SHORTEST_SECONDS = 1.0

# Under which the pool keeps when it made a connection.
MADE_AT = "made_at"


class Database:
    """A small pool of connections to one database.

    ``dsn`` is any form that libpq reads; see :func:`storyboard_worker.settings.dsn.dsn_from_url`.
    ``timeout_seconds``: how long the database may leave one exchange unanswered.
    ``errors`` counts the transactions that failed because it was away or not migrated.
    """

    def __init__(
        self,
        dsn: str,
        *,
        max_connections: int = 3,
        timeout_seconds: float = TIMEOUT_SECONDS,
        dialer: Dialer | None = None,
    ) -> None:
        self._dsn = dsn
        self._dialer = dialer or Dialer(dsn, timeout_seconds=timeout_seconds)
        self.timeout_seconds = timeout_seconds
        self._session = Session(timeout_seconds)
        self._engine = self._make_engine(max_connections)
        self._broken_at = float("-inf")
        self._exchange = _Exchange()
        self.errors = 0
        self._distrust_broken()

    def beside(self, *, max_connections: int) -> "Database":
        """Connections of its own to the same database."""
        return Database(
            self._dsn,
            max_connections=max_connections,
            timeout_seconds=self.timeout_seconds,
            dialer=self._dialer,
        )

    def hurry(self, timeout_seconds: float) -> None:
        """From now on an exchange may take no longer than this, and those under way end so soon.

        May be called inside a signal handler.
        """
        self.timeout_seconds = min(self.timeout_seconds, timeout_seconds)
        haste, now = self._dialer.haste, time.monotonic()
        haste.ends_at, haste.before = now + timeout_seconds, now

    @contextmanager
    def exchanges_end_by(self, ends_at: float) -> Iterator[None]:
        """While inside, this thread's exchanges have to end by then, on the monotonic clock."""
        self._exchange.latest = ends_at
        try:
            yield
        finally:
            self._exchange.latest = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One short transaction, committed at the end of the block.

        Raises :class:`DatabaseUnavailable` when waiting may help (away, restarting, silent, too
        many connections, time-out, deadlock), as :class:`CommitInDoubt` when the block may have
        been committed all the same; :class:`SchemaOutdated` when tables or columns are missing;
        :class:`DataRefused` when a value is to blame.
        """
        with self._counted(), translated(), self._checked_out() as connection:
            # The engine is in autocommit, so that BEGIN and the time-outs share a round trip.
            connection.exec_driver_sql(self._session.begin)
            yield connection
            with _in_doubt():
                connection.exec_driver_sql("COMMIT")

    def go_on(self, connection: Connection) -> None:
        """Within a :meth:`transaction` of many statements: this one was answered, and the next has
        the whole time again."""
        self._exchange.renew(self.timeout_seconds)
        self._exchange.bind(_driver(connection))

    def run(self, call: Call[Row]) -> list[Row]:
        """A whole transaction of one statement, in one round trip; its rows.

        Raises what :meth:`transaction` raises; after a :class:`DatabaseUnavailable` it may have
        been committed. For what runs for every image: beside three round trips it saves two
        thirds of the processor time, which SQLAlchemy spends on results that psycopg has ready.
        """
        [rows] = self._run_script(call)
        return rows

    def run_both(self, one: Call[Row], other: Call[Other]) -> tuple[list[Row], list[Other]]:
        """The same with two statements in one transaction, still in one round trip."""
        rows, others = self._run_script(one, other)
        return rows, others

    def rehearse(self, call: Call[Row]) -> list[Row]:
        """What :meth:`run` would answer, undone at once."""
        with self._counted(), translated(), self._borrowed() as connection:
            [rows] = exchange(connection, self._session.begin, [call], ending="ROLLBACK")
            return cast("list[Row]", rows)

    def _run_script(self, *calls: Call[Any]) -> list[list[Any]]:
        with self._counted(), translated(), self._borrowed() as connection:
            return exchange(connection, self._session.opening, calls)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseUnavailable, SchemaOutdated):
            self.errors += 1
            raise

    @contextmanager
    def _checked_out(self) -> Iterator[Connection]:
        driver: BoundedConnection | None = None
        try:
            with (
                self._exchange.bounded(self.timeout_seconds),
                self._engine.connect() as connection,
            ):
                driver = _driver(connection)
                self._exchange.bind(driver)
                try:
                    yield connection
                except exc.DBAPIError as error:
                    if is_read_only(error.orig):
                        connection.invalidate()
                    raise
        finally:
            # Looked at when it has been given back: that takes an exchange as well.
            if driver is not None and driver.closed:
                self._distrust_older()

    @contextmanager
    def _borrowed(self) -> Iterator[BoundedConnection]:
        with self._exchange.bounded(self.timeout_seconds):
            pooled = self._engine.raw_connection()
            connection = cast("BoundedConnection", pooled.driver_connection)
            self._exchange.bind(connection)
            try:
                yield connection
            except psycopg.Error as error:
                if is_read_only(error):
                    connection.give_up()
                if connection.closed and error.sqlstate not in SCHEMA_SQLSTATES:
                    # Whatever it is called: poolers have codes of their own for it.
                    raise DatabaseUnavailable(one_line(error)) from error
                raise
            finally:
                if connection.closed:
                    self._distrust_older()
                    pooled.invalidate()
                pooled.close()

    def _distrust_older(self) -> None:
        """What broke a connection, or made it read-only, has done so to those that lie in the
        pool."""
        self._broken_at = time.monotonic()

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
        """A connection whose transactions the caller minds; each exchange is bounded by itself."""
        with translated(), self._engine.connect() as connection:
            _driver(connection).ends_at = None
            try:
                yield connection.execution_options(isolation_level="READ COMMITTED")
            finally:
                if connection.invalidated:
                    self._distrust_older()

    @contextmanager
    def patient(self) -> Iterator[Connection]:
        """The same for statements that may take long (migrations): while another connection sees
        the server at work on one, its answer is waited for."""
        with self.connect() as connection:
            driver = _driver(connection)
            try:
                yield connection
            finally:
                driver.is_at_work = None

    def watch(self, connection: Connection) -> None:
        """To be called within the transaction of a :meth:`patient` connection: a pooler may give
        each another server process."""
        # An abandoned session must not keep its locks from the next deployment.
        idle = (
            f"SET LOCAL idle_in_transaction_session_timeout = {round(self.timeout_seconds * 1000)}"
        )
        connection.exec_driver_sql(idle)
        pid = int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        _driver(connection).is_at_work = lambda: self._is_at_work(pid)

    def _is_at_work(self, pid: int) -> bool:
        try:
            with self._dialer.dial() as connection:
                found = connection.execute(
                    "SELECT state = 'active' FROM pg_stat_activity WHERE pid = %s", [pid]
                ).fetchone()
        except (psycopg.Error, DatabaseUnavailable):
            return False
        return found is not None and bool(found[0])

    @contextmanager
    def listening(self, channel: str) -> Iterator[psycopg.Connection]:
        """A connection of its own, outside the pool, that hears ``channel``.

        Whether notifications really arrive is for the caller to prove: behind a transaction
        pooler LISTEN succeeds and nothing ever comes.
        """
        try:
            with self._dialer.dial() as connection:
                connection.execute(f"LISTEN {channel}")
                yield connection
        except psycopg.Error as error:
            raise DatabaseUnavailable(one_line(error)) from error

    def close(self) -> None:
        self._engine.dispose()

    def _dial(self) -> BoundedConnection:
        try:
            return self._dialer.dial(self._exchange.ends_at)
        except psycopg.Error as error:
            raise NotReached(one_line(error)) from error

    def _make_engine(self, max_connections: int) -> Engine:
        return create_engine(
            "postgresql+psycopg://",
            creator=self._dial,
            isolation_level="AUTOCOMMIT",
            poolclass=QueuePool,
            pool_size=max_connections,
            max_overflow=0,
            pool_timeout=min(POOL_TIMEOUT_SECONDS, self.timeout_seconds),
            pool_recycle=MAX_CONNECTION_AGE_SECONDS,
            pool_use_lifo=True,
            # hstore would cost a query for every new connection, and we store none.
            use_native_hstore=False,
        )


class _Exchange(threading.local):
    """When the exchange that this thread is about has to end: waiting for a connection, making
    one, and what is asked on it, BEGIN to COMMIT."""

    timeout_seconds: float = TIMEOUT_SECONDS
    ends_at: float | None = None
    latest: float | None = None

    @contextmanager
    def bounded(self, timeout_seconds: float) -> Iterator[None]:
        before = self.ends_at
        self.renew(timeout_seconds)
        try:
            yield
        finally:
            self.ends_at = before

    def renew(self, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self.ends_at = time.monotonic() + timeout_seconds + POOL_TIMEOUT_SECONDS
        if self.latest is not None:
            # Not so soon that nothing could come of it.
            soonest = time.monotonic() + min(SHORTEST_SECONDS, timeout_seconds)
            self.ends_at = max(soonest, min(self.ends_at, self.latest))

    def bind(self, connection: BoundedConnection) -> None:
        """Give ``connection`` what is left of the time, and no more than one time-out. It holds
        for tidying up as well, when the connection goes back to its pool."""
        answered_by = time.monotonic() + self.timeout_seconds
        connection.ends_at = min(answered_by, self.ends_at or answered_by)


def _driver(connection: Connection) -> BoundedConnection:
    return cast("BoundedConnection", connection.connection.driver_connection)


@contextmanager
def _in_doubt() -> Iterator[None]:
    """Around a COMMIT: without its answer nothing is known of what became of it."""
    try:
        yield
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise CommitInDoubt(one_line(error.orig)) from error
        raise
