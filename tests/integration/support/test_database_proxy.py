"""The proxy with which other tests lose exchanges between a client and its database."""

import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from tests.support.database_faults import LOGIN, Ending, Exchange, Fault, Place, saying
from tests.support.database_proxy import DatabaseProxy
from tests.support.waiting import eventually

WAIT_SECONDS = 0.3
SOON_SECONDS = 10.0
INSERT = "INSERT INTO notes VALUES ('kept')"
SLEEPING = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
)


@pytest.fixture
def direct(empty_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection past the proxy."""
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE notes (note text)")
        yield connection


@pytest.fixture
def proxy(empty_dsn: str, direct: psycopg.Connection) -> Iterator[DatabaseProxy]:
    with DatabaseProxy(empty_dsn) as proxy:
        yield proxy


def connect(proxy: DatabaseProxy) -> psycopg.Connection:
    return psycopg.connect(proxy.dsn, autocommit=True)


def notes(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM notes").fetchone()
    assert row is not None
    return int(row[0])


class Asking:
    """A statement on a thread of its own, because it may hang."""

    def __init__(self, connection: psycopg.Connection, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self.error: psycopg.Error | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._connection.execute(self._statement)
        except psycopg.Error as error:
            self.error = error

    def give_up(self) -> None:
        """Ends the statement. To close a connection under a thread that uses it can end the whole
        process, so its socket is shut down."""
        with socket.socket(fileno=os.dup(self._connection.fileno())) as connected:
            connected.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def hangs(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return self._thread.is_alive()


def test_exchanges_are_noted_with_their_transaction(proxy: DatabaseProxy) -> None:
    with closing(connect(proxy)) as one, closing(connect(proxy)) as other:
        one.execute("BEGIN")
        one.execute("SELECT %s::int", [1])
        other.execute("SELECT 2; SELECT 3")
        one.execute("COMMIT")
        one.execute("SELECT 4")
    assert [(found.connection, found.sql, found.before) for found in proxy.exchanges] == [
        (0, LOGIN, ()),
        (1, LOGIN, ()),
        (0, "BEGIN", ()),
        (0, "SELECT $1::int", ("BEGIN",)),
        (1, "SELECT 2; SELECT 3", ()),
        (0, "COMMIT", ("BEGIN", "SELECT $1::int")),
        (0, "SELECT 4", ()),
    ]


def test_errors_and_notifications_pass(proxy: DatabaseProxy, direct: psycopg.Connection) -> None:
    with closing(connect(proxy)) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / %s", [0])
        connection.execute("LISTEN news")
        direct.execute("NOTIFY news, 'heard'")
        heard = list(connection.notifies(timeout=SOON_SECONDS, stop_after=1))
    assert [notification.payload for notification in heard] == ["heard"]


@pytest.mark.parametrize(("place", "arrives"), [("before", 0), ("within", 1), ("after", 1)])
def test_silent(proxy: DatabaseProxy, direct: psycopg.Connection, place: str, arrives: int) -> None:
    fault = proxy.inject(Fault(saying("INSERT"), Place(place), Ending.SILENT))
    with closing(connect(proxy)) as hit, closing(connect(proxy)) as spared:
        asking = Asking(hit, INSERT)
        assert fault.struck.wait(SOON_SECONDS)
        assert notes(direct) == arrives
        assert asking.hangs(WAIT_SECONDS)
        spared.execute(INSERT)
        assert notes(direct) == arrives + 1
        # The server does not learn that the client gives up.
        asking.give_up()
        assert clients(direct) == 2


def clients(direct: psycopg.Connection) -> int:
    """The sessions of the server, without this one."""
    row = direct.execute(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(("place", "arrives"), [("before", 0), ("within", 1), ("after", 1)])
def test_cut(proxy: DatabaseProxy, direct: psycopg.Connection, place: str, arrives: int) -> None:
    fault = proxy.inject(Fault(saying("INSERT"), Place(place), Ending.CUT))
    with closing(connect(proxy)) as hit, closing(connect(proxy)) as spared:
        with pytest.raises(psycopg.OperationalError):
            hit.execute(INSERT)
        assert fault.struck.wait(SOON_SECONDS)
        assert notes(direct) == arrives
        spared.execute(INSERT)


@pytest.mark.parametrize("ending", Ending)
def test_a_login(empty_dsn: str, ending: Ending) -> None:
    def spoil(place: Place) -> bool:
        with DatabaseProxy(empty_dsn) as proxy:
            fault = proxy.inject(Fault(saying("^.login"), place, ending))
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(proxy.dsn, connect_timeout=2)
            connect(proxy).close()
            return fault.struck.wait(SOON_SECONDS)

    with ThreadPoolExecutor() as at_once:
        assert list(at_once.map(spoil, Place)) == [True, True, True]


def test_within_lets_half_of_an_answer_pass(proxy: DatabaseProxy) -> None:
    proxy.inject(Fault(saying("generate_series"), Place.WITHIN, Ending.CUT))
    with closing(connect(proxy)) as connection:
        rows = connection.cursor().stream("SELECT generate_series(1, 100)")
        assert next(rows) == (1,)
        with pytest.raises(psycopg.OperationalError):
            list(rows)


def test_the_occurrence_that_was_asked_for(
    proxy: DatabaseProxy, direct: psycopg.Connection
) -> None:
    fault = proxy.inject(Fault(saying("INSERT"), Place.AFTER, Ending.CUT, occurrence=2))
    with closing(connect(proxy)) as connection:
        connection.execute(INSERT)
        with pytest.raises(psycopg.OperationalError):
            connection.execute(INSERT)
    assert fault.exchange == Exchange(0, INSERT, (), proxy.exchanges[-1].sent_at)
    with closing(connect(proxy)) as connection:
        connection.execute(INSERT)
    assert notes(direct) == 3


def test_silence_of_all_and_its_end(proxy: DatabaseProxy, direct: psycopg.Connection) -> None:
    with closing(connect(proxy)) as used, closing(connect(proxy)) as unused:
        proxy.silence()
        asking = Asking(used, INSERT)
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            psycopg.connect(proxy.dsn, connect_timeout=2)
        proxy.resume()
        assert asking.hangs(WAIT_SECONDS)
        asking.give_up()
        unused.execute(INSERT)
        connect(proxy).close()
        assert notes(direct) == 1


def test_silence_after_the_login(proxy: DatabaseProxy) -> None:
    with closing(connect(proxy)) as older:
        proxy.silence_after_login()
        with closing(connect(proxy)) as newer:
            asking = Asking(newer, INSERT)
            assert asking.hangs(WAIT_SECONDS)
            older.execute(INSERT)
            asking.give_up()
        proxy.resume()
        with closing(connect(proxy)) as newest:
            newest.execute(INSERT)


def test_silence_of_those_that_said_something(
    proxy: DatabaseProxy, direct: psycopg.Connection
) -> None:
    with closing(connect(proxy)) as listener, closing(connect(proxy)) as other:
        listener.execute("LISTEN news")
        other.execute(INSERT)
        assert proxy.silence_those_that_said("LISTEN") == 1
        direct.execute("NOTIFY news")
        assert list(listener.notifies(timeout=WAIT_SECONDS)) == []
        other.execute(INSERT)


def test_refusing_and_cutting(proxy: DatabaseProxy) -> None:
    with closing(connect(proxy)) as connection:
        proxy.refuse()
        connection.execute(INSERT)
        with pytest.raises(psycopg.OperationalError, match="refused"):
            connect(proxy)
        proxy.accept()
        connect(proxy).close()
        proxy.cut()
        with pytest.raises(psycopg.OperationalError):
            connection.execute(INSERT)
        connect(proxy).close()


def test_a_statement_is_cancelled_through_it(
    proxy: DatabaseProxy, direct: psycopg.Connection
) -> None:
    with closing(connect(proxy)) as connection:
        asking = Asking(connection, "SELECT pg_sleep(60)")
        eventually(lambda: direct.execute(SLEEPING).fetchall())
        connection.cancel_safe(timeout=SOON_SECONDS)
        assert not asking.hangs(SOON_SECONDS)
        assert isinstance(asking.error, psycopg.errors.QueryCanceled)


def test_nothing_is_left_of_it(empty_dsn: str) -> None:
    threads = threading.active_count()
    with DatabaseProxy(empty_dsn) as proxy:
        proxy.inject(Fault(saying("SELECT"), Place.BEFORE, Ending.SILENT))
        silent = connect(proxy)
        asking = Asking(silent, "SELECT 1")
        assert asking.hangs(WAIT_SECONDS)
        well = connect(proxy)
        asking.give_up()
    for connection in (silent, well):
        connection.pgconn.finish()
    with pytest.raises(psycopg.OperationalError):
        connect(proxy)
    assert threading.active_count() <= threads + 1
