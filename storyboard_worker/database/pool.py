"""A few connections that are kept open, without those that are no longer to be trusted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from storyboard_worker.database.bounded_connection import BoundedConnection
from storyboard_worker.database.dialing import Dialer
from storyboard_worker.database.exchange_bound import POOL_TIMEOUT_SECONDS, ExchangeBound
from storyboard_worker.database.translation import SCHEMA_SQLSTATES, is_read_only, one_line
from storyboard_worker.errors import DatabaseUnavailable, NotReached

# Shorter than the idle limits of poolers and of NAT gateways.
MAX_CONNECTION_AGE_SECONDS = 1800

# The key under which the pool notes when it made a connection.
MADE_AT = "made_at"


@dataclass(frozen=True)
class HeldConnection:
    """A connection that was taken before it is needed. ``is_trusted`` says whether the pool would
    lend it now. ``bind`` gives an exchange on it the usual time, from now on."""

    connection: BoundedConnection
    is_trusted: Callable[[], bool]
    bind: Callable[[], None]


class ConnectionPool:
    """At most ``max_connections`` connections, made by ``dialer``.

    An exchange may take ``timeout_seconds``. A connection that breaks, or that leads to a read-only
    server, makes all older ones suspect. The pool replaces those before it lends them again.
    """

    def __init__(self, dialer: Dialer, max_connections: int, timeout_seconds: float) -> None:
        self._dialer = dialer
        self.timeout_seconds = timeout_seconds
        self.bound = ExchangeBound()
        self._broken_at = float("-inf")
        self._engine = self._make_engine(max_connections)
        self._replace_suspects()

    @contextmanager
    def checked_out(self) -> Iterator[Connection]:
        """A connection of SQLAlchemy in autocommit, for one exchange."""
        driver: BoundedConnection | None = None
        try:
            with self.bound.bounded(self.timeout_seconds), self._engine.connect() as connection:
                driver = driver_of(connection)
                self.bound.bind(driver)
                try:
                    yield connection
                except exc.DBAPIError as error:
                    if is_read_only(error.orig):
                        connection.invalidate()
                    raise
        finally:
            # Checked after the return to the pool, since that is an exchange as well.
            if driver is not None and driver.closed:
                self._suspect_older()

    @contextmanager
    def borrowed(self) -> Iterator[BoundedConnection]:
        """A connection of psycopg, for one exchange."""
        with self.bound.bounded(self.timeout_seconds):
            pooled = self._engine.raw_connection()
            with self._given_back(pooled) as connection:
                self.bound.bind(connection)
                yield connection

    @contextmanager
    def held(self) -> Iterator[HeldConnection | None]:
        """A connection of psycopg for one exchange that comes later; ``None`` if none is idle."""
        if not self._idle_count():
            yield None
            return
        with self.bound.bounded(self.timeout_seconds):
            pooled = self._engine.raw_connection()
        with self._given_back(pooled) as connection:
            yield HeldConnection(
                connection,
                is_trusted=lambda: pooled.info[MADE_AT] > self._broken_at,
                bind=lambda: self._bind(connection),
            )

    def _bind(self, connection: BoundedConnection) -> None:
        with self.bound.bounded(self.timeout_seconds):
            self.bound.bind(connection)

    def _idle_count(self) -> int:
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedin()

    @contextmanager
    def _given_back(self, pooled: PoolProxiedConnection) -> Iterator[BoundedConnection]:
        """Wraps what is done with a connection, and gives it back to the pool."""
        connection = cast("BoundedConnection", pooled.driver_connection)
        try:
            yield connection
        except psycopg.Error as error:
            if is_read_only(error):
                connection.give_up()
            if connection.closed and error.sqlstate not in SCHEMA_SQLSTATES:
                # Poolers have codes of their own for a lost connection.
                raise DatabaseUnavailable(one_line(error)) from error
            raise
        finally:
            if connection.closed:
                self._suspect_older()
                pooled.invalidate()
            pooled.close()

    @contextmanager
    def unbounded(self) -> Iterator[Connection]:
        """A connection for several exchanges. Each has a whole time-out of its own."""
        with self._engine.connect() as connection:
            driver_of(connection).ends_at = None
            try:
                yield connection
            finally:
                if connection.invalidated:
                    self._suspect_older()

    def close(self) -> None:
        self._engine.dispose()

    def _suspect_older(self) -> None:
        """What broke one connection has broken those in the pool as well."""
        self._broken_at = time.monotonic()

    def _replace_suspects(self) -> None:
        @event.listens_for(self._engine, "connect")
        def made(_connection: object, record: ConnectionPoolEntry) -> None:
            record.info[MADE_AT] = time.monotonic()

        @event.listens_for(self._engine, "checkout")
        def lent(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
            if record.info[MADE_AT] <= self._broken_at:
                raise exc.DisconnectionError

    def _dial(self) -> BoundedConnection:
        try:
            return self._dialer.dial(self.bound.ends_at)
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
            # hstore costs a query for every new connection, and no column uses it.
            use_native_hstore=False,
        )


def driver_of(connection: Connection) -> BoundedConnection:
    """The connection of psycopg below one of SQLAlchemy."""
    return cast("BoundedConnection", connection.connection.driver_connection)
