"""Short transactions on a few connections, which work behind any pooler.

No session state is kept (``SET LOCAL`` only), so a transaction pooler (pgbouncer, Supabase on port
6543) serves as well as a direct connection. Plans are kept only where the sessions are known to be
the pool's own, and done without when they are gone. Every exchange has an end on the worker's side.
Errors of the driver become the worker's own here and nowhere else.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, exc

from storyboard_worker.database.dialing import Dialer
from storyboard_worker.database.early_exchange import EarlyExchange
from storyboard_worker.database.exchange_bound import TIMEOUT_SECONDS
from storyboard_worker.database.one_round_trip import Call, Row, exchange, message_of
from storyboard_worker.database.plan_keeping import PlanKeeping
from storyboard_worker.database.pool import ConnectionPool, driver_of
from storyboard_worker.database.session import Session
from storyboard_worker.database.translation import one_line, translated
from storyboard_worker.errors import CommitInDoubt, DatabaseUnavailable, SchemaOutdated

Other = TypeVar("Other")


class Database:
    """A small pool of connections to one database.

    ``dsn`` is any form that libpq reads, see :func:`storyboard_worker.settings.dsn.dsn_from_url`.
    The database may leave one exchange unanswered for ``timeout_seconds``. ``errors`` counts the
    transactions that failed because the database was away or not migrated.
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
        self._session = Session(timeout_seconds)
        self._pool = ConnectionPool(self._dialer, max_connections, timeout_seconds)
        self._plans = PlanKeeping()
        self.errors = 0

    def keep_plans(self, *, allowed: bool) -> None:
        """Whether each session may keep the plans of statements that run for every image.

        Allow it only while notifications are proven to arrive: then a connection of ours is a
        session of ours, and no transaction pooler stands in between.
        """
        self._plans.allowed = allowed

    def beside(self, *, max_connections: int) -> "Database":
        """Another pool of connections to the same database."""
        return Database(
            self._dsn,
            max_connections=max_connections,
            timeout_seconds=self._pool.timeout_seconds,
            dialer=self._dialer,
        )

    def hurry(self, timeout_seconds: float) -> None:
        """From now on no exchange may take longer, and those under way end so soon as well.

        May be called inside a signal handler.
        """
        self._pool.timeout_seconds = min(self._pool.timeout_seconds, timeout_seconds)
        haste, now = self._dialer.haste, time.monotonic()
        haste.ends_at, haste.before = now + timeout_seconds, now

    @contextmanager
    def exchanges_end_by(self, ends_at: float) -> Iterator[None]:
        """Inside, this thread's exchanges end by ``ends_at``, on the monotonic clock."""
        before = self._pool.bound.latest
        self._pool.bound.latest = ends_at
        try:
            yield
        finally:
            self._pool.bound.latest = before

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One short transaction, committed at the end of the block.

        Raises :class:`DatabaseUnavailable` when waiting may help (away, restarting, silent, too
        many connections, time-out, deadlock), as :class:`CommitInDoubt` when the block may have
        been committed all the same; :class:`SchemaOutdated` when tables or columns are missing;
        :class:`DataRefused` when a value is to blame.
        """
        with self._counted(), translated(), self._pool.checked_out() as connection:
            # The engine is in autocommit, so that BEGIN and the time-outs share a round trip.
            connection.exec_driver_sql(self._session.begin)
            yield connection
            with _commit_in_doubt():
                connection.exec_driver_sql("COMMIT")

    def go_on(self, connection: Connection) -> None:
        """Give the next statement of a long :meth:`transaction` the whole time again."""
        self._pool.bound.renew(self._pool.timeout_seconds)
        self._pool.bound.bind(driver_of(connection))

    def run(self, call: Call[Row], *, durable: bool = True) -> list[Row]:
        """Run one statement as a whole transaction, in one round trip; its rows.

        One that need not be ``durable`` does not wait for the server's disk, and a crash of the
        server may undo it.

        Raises what :meth:`transaction` raises. After a :class:`DatabaseUnavailable` it may have
        been committed. It is for statements that run for every image: three round trips through
        SQLAlchemy take three times the processor time, for results that psycopg has ready.
        """
        [rows] = self._run_script(call, durable=durable)
        return rows

    def run_both(self, one: Call[Row], other: Call[Other]) -> tuple[list[Row], list[Other]]:
        """Like :meth:`run` with two statements in one transaction, still in one round trip."""
        rows, others = self._run_script(one, other)
        return rows, others

    def run_all(self, calls: Sequence[Call[Any]]) -> list[list[Any]]:
        """Like :meth:`run` with any number of statements in one transaction, still in one round
        trip; the rows of each."""
        return self._run_script(*calls)

    def rehearse(self, call: Call[Row]) -> list[Row]:
        """What :meth:`run` would answer. The transaction is rolled back at once."""
        with self._counted(), translated(), self._pool.borrowed() as connection:
            [rows] = exchange(connection, self._session.begin, [call], ending="ROLLBACK")
            return cast("list[Row]", rows)

    def early(self, call: Call[Row], *, durable: bool = True) -> EarlyExchange[Row] | None:
        """Make ready what :meth:`run` does, to be sent later by this thread.

        ``None``: it has to be run in the usual way, since no connection is idle that keeps the
        plan. A connection is taken from the pool until the exchange is closed. The
        factory of its rows must not look at the cursor.
        """
        if not self._plans.are_kept:
            return None
        opening = self._session.opening if durable else self._session.hasty_opening
        with ExitStack() as contexts:
            contexts.enter_context(self._counted())
            contexts.enter_context(translated())
            held = contexts.enter_context(self._pool.held())
            if held is None:
                return None
            message = message_of(held.connection, opening, call, held.connection.plans)
            if message is None:
                return None
            return EarlyExchange(held, message, call, self._plans, contexts.pop_all())

    def _run_script(self, *calls: Call[Any], durable: bool = True) -> list[list[Any]]:
        opening = self._session.opening if durable else self._session.hasty_opening
        with self._counted(), translated(), self._pool.borrowed() as connection:
            return self._plans.exchange(connection, opening, calls)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseUnavailable, SchemaOutdated):
            self.errors += 1
            raise

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection whose transactions the caller begins and ends.

        Each exchange is bounded by itself. Raises what :meth:`transaction` raises.
        """
        with translated(), self._pool.unbounded() as connection:
            yield connection.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def patient(self) -> Iterator[Connection]:
        """Like :meth:`connect`, for statements that may take long (migrations).

        After :meth:`watch` an answer is waited for as long as the server is at work on it.
        """
        with self.connect() as connection:
            driver = driver_of(connection)
            try:
                yield connection
            finally:
                driver.is_at_work = None

    def watch(self, connection: Connection) -> None:
        """Watch the server at work for a :meth:`patient` connection.

        Call it in every transaction: a pooler may give each another server process.
        """
        # An abandoned session must not keep its locks from the next deployment.
        idle_ms = round(self._pool.timeout_seconds * 1000)
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {idle_ms}")
        pid = int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        driver_of(connection).is_at_work = lambda: self._is_at_work(pid)

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
        """A connection outside the pool that has sent LISTEN for ``channel``.

        The caller has to prove that notifications arrive: behind a transaction pooler LISTEN
        succeeds and no notification ever comes.
        """
        try:
            with self._dialer.dial() as connection:
                connection.execute(f"LISTEN {channel}")
                yield connection
        except psycopg.Error as error:
            raise DatabaseUnavailable(one_line(error)) from error

    def close(self) -> None:
        self._pool.close()


@contextmanager
def _commit_in_doubt() -> Iterator[None]:
    """Wraps a COMMIT: if its answer is lost, the commit may have happened or not."""
    try:
        yield
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise CommitInDoubt(one_line(error.orig)) from error
        raise
