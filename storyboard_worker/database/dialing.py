"""Makes connections. The time limit covers the name server as well."""

import queue
import threading
import time

import psycopg
from psycopg import conninfo

from storyboard_worker.database import any_bytes, moments
from storyboard_worker.database.bounded_connection import BoundedConnection, GivenUp, Haste
from storyboard_worker.database.refusals import Refusals
from storyboard_worker.resources.exhaustion import lack_of_descriptors, told_in_words

LONGEST_CONNECT_SECONDS = 10
# libpq raises a shorter one to this.
SHORTEST_CONNECT_SECONDS = 2

# A vanished peer is noticed within a minute. The default would be two hours.
KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


class Dialer:
    """Makes connections to ``dsn``, which may have any form that libpq reads.

    All pools of a process to the same database share one dialer.
    """

    def __init__(self, dsn: str, *, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self._conninfo = conninfo.make_conninfo(
            dsn, **connection_options(dsn, timeout_seconds), client_encoding="UTF8"
        )
        self._refusals = Refusals()
        self.haste = Haste()

    def dial(self, ends_at: float | None = None) -> BoundedConnection:
        """A new connection, made by ``ends_at`` on the monotonic clock and within
        ``timeout_seconds``.

        Raises psycopg's errors, and :class:`DatabaseUnavailable` when it is too early to try again
        after a refusal.
        """
        bound = time.monotonic() + self.timeout_seconds
        with self._refusals.heeded():
            connection = _Dial(self._conninfo).wait(min(bound, ends_at or bound))
        connection.timeout_seconds = self.timeout_seconds
        # The pool's first queries on a new connection are an exchange as well.
        connection.ends_at = ends_at and min(ends_at, time.monotonic() + self.timeout_seconds)
        connection.haste = self.haste
        return connection


def connection_options(dsn: str, timeout_seconds: float) -> dict[str, str | int]:
    """Keep-alive and time-out, unless the DSN says otherwise."""
    given = conninfo.conninfo_to_dict(dsn)
    # The limit holds for each address, so a second address gets its turn.
    connect_seconds = min(LONGEST_CONNECT_SECONDS, int(timeout_seconds / 2))
    options: dict[str, str | int] = {
        "connect_timeout": max(SHORTEST_CONNECT_SECONDS, connect_seconds),
        **KEEPALIVE,
        "application_name": "storyboard-worker",
    }
    return {name: value for name, value in options.items() if name not in given}


class _Dial:
    """Connects in a thread of its own, because the resolver has no time-out."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._answer: queue.SimpleQueue[BoundedConnection | Exception] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_wanted = True

    def wait(self, ends_at: float) -> BoundedConnection:
        try:
            threading.Thread(target=self._run, name="dial", daemon=True).start()
        except RuntimeError as error:
            raise psycopg.OperationalError("no thread to connect with") from error
        try:
            answer = self._answer.get(timeout=max(0.0, ends_at - time.monotonic()))
        except queue.Empty:
            answer = self._give_up()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _give_up(self) -> BoundedConnection | Exception:
        with self._lock:
            self._is_wanted = False
        try:
            return self._answer.get_nowait()
        except queue.Empty:
            return GivenUp("no connection in time")

    def _run(self) -> None:
        answer = _connect(self._dsn)
        with self._lock:
            if self._is_wanted:
                self._answer.put(answer)
                return
        if isinstance(answer, BoundedConnection):
            answer.give_up()


def _connect(dsn: str) -> BoundedConnection | Exception:
    try:
        connection = BoundedConnection.connect(
            dsn,
            autocommit=True,
            # Prepared statements are session state, which a transaction pooler does not keep.
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        return _with_our_lack(_without_frames(error))
    except (OSError, UnicodeError, ValueError) as error:
        return _with_our_lack(psycopg.OperationalError(str(error)))
    moments.register(connection)
    if connection.pgconn.parameter_status(b"server_encoding") == b"SQL_ASCII":
        return _with_any_bytes(connection)
    return connection


def _without_frames(error: psycopg.Error) -> psycopg.Error:
    """Drop the frames, which hold the socket of an unanswered login.

    Error and frames hold each other, so the socket would stay open until the garbage collector
    runs.
    """
    error.__context__ = None
    return error.with_traceback(None)


def _with_our_lack(error: psycopg.Error) -> psycopg.Error:
    """Note as the cause what this machine lacks, if that is why ``error`` came.

    libpq keeps no error number, only words, and not always those. A server that lacks something
    says so in an error with FATAL.
    """
    if "FATAL" not in str(error):
        error.__cause__ = told_in_words(str(error)) or lack_of_descriptors()
    return error


def _with_any_bytes(connection: BoundedConnection) -> BoundedConnection | Exception:
    try:
        any_bytes.speak(connection)
    except psycopg.Error as error:
        connection.give_up()
        return error
    return connection
