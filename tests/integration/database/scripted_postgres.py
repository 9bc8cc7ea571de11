"""A server that speaks enough of Postgres's protocol for a short transaction, and can fall silent.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.support.scripted_server import Peer

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
CLEARTEXT_PASSWORD = 3
TEXT_OID = 25
PARAMETERS = {
    "server_version": "15.0",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
}
LOGIN = "login"
# The worker's time-out of the database, in tests in which the server is silent for longer.
TIMEOUT_SECONDS = 0.5


class Fault(Enum):
    """What happens in place of the answer to a query."""

    SILENCE = auto()
    HALF_AN_ANSWER = auto()
    CLOSE = auto()
    REFUSAL = auto()


def _message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _error(severity: str, sqlstate: str, words: str) -> bytes:
    return _message(b"E", f"S{severity}\0C{sqlstate}\0M{words}\0\0".encode())


def _row_description() -> bytes:
    column = b"answer\0" + struct.pack("!ihihih", 0, 0, TEXT_OID, -1, -1, 0)
    return _message(b"T", struct.pack("!h", 1) + column)


def _data_row(value: bytes) -> bytes:
    return _message(b"D", struct.pack("!hi", 1, len(value)) + value)


def _ready(status: bytes) -> bytes:
    return _message(b"Z", status)


@dataclass
class ScriptedPostgres:
    """The script of one connection after the other. ``at``: the query that begins or ends so,
    or :data:`LOGIN`, meets ``fault``; each answer takes ``seconds``."""

    at: str | None = None
    fault: Fault = Fault.SILENCE
    seconds: float = 0.0
    # It applies to so many connections, from the first one on.
    faulty_connections: int = 1
    # Set by a test, if the login is to wait for it.
    may_log_in: threading.Event | None = None
    # The answer to a client that has given a password. Without it no password is asked for.
    password_refusal: str | None = None
    queries: list[str] = field(default_factory=list)
    logins: int = 0
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __call__(self, peer: Peer) -> None:
        try:
            if self._log_in(peer):
                self._talk(peer)
        finally:
            # Reads all that the client sends until it has closed.
            peer.read_to_end()
            self.closed.release()

    def _is_faulty(self, what: str) -> bool:
        return (
            self.at is not None
            and (what.startswith(self.at) or what.endswith(self.at))
            and self.logins <= self.faulty_connections
        )

    def _log_in(self, peer: Peer) -> bool:
        self.logins += 1
        while True:
            [length] = struct.unpack("!i", _read(peer, 4))
            [code] = struct.unpack("!i", _read(peer, 4))
            _read(peer, length - 8)
            if code not in (SSL_REQUEST, GSS_REQUEST):
                break
            peer.say(b"N")
        if self._is_faulty(LOGIN):
            return False
        if self.may_log_in is not None:
            self.may_log_in.wait(20)
        if self.password_refusal is not None:
            return self._refuse(peer, self.password_refusal)
        parameters = (f"{name}\0{value}\0".encode() for name, value in PARAMETERS.items())
        told = b"".join(_message(b"S", parameter) for parameter in parameters)
        key = _message(b"K", struct.pack("!ii", 1, 1))
        peer.say(_message(b"R", struct.pack("!i", 0)) + told + key + _ready(b"I"))
        return True

    def _refuse(self, peer: Peer, words: str) -> bool:
        peer.say(_message(b"R", struct.pack("!i", CLEARTEXT_PASSWORD)))
        assert _read(peer, 1) == b"p"
        [length] = struct.unpack("!i", _read(peer, 4))
        _read(peer, length - 4)
        peer.say(_error("FATAL", "28P01", words))
        peer.sock.shutdown(socket.SHUT_WR)
        return False

    def _talk(self, peer: Peer) -> None:
        status = b"I"
        while (kind := _read(peer, 1)) == b"Q":
            [length] = struct.unpack("!i", _read(peer, 4))
            query = _read(peer, length - 4).rstrip(b"\0").decode()
            self.queries.append(query)
            time.sleep(self.seconds)
            status = _status_after(query, status)
            if self._is_faulty(query):
                if self.fault is not Fault.REFUSAL:
                    self._fail(peer)
                    return
                peer.say(_error("ERROR", "23505", "duplicate") + _ready(b"I"))
                continue
            peer.say(_answer(query) + _ready(status))
        assert kind in (b"X", b"")

    def _fail(self, peer: Peer) -> None:
        if self.fault is Fault.HALF_AN_ANSWER:
            peer.say(_row_description() + _data_row(b"half")[:-2])
        if self.fault is Fault.CLOSE:
            peer.sock.shutdown(socket.SHUT_WR)


def _answer(query: str) -> bytes:
    if query.lower().startswith(("select", "show")) or "; SELECT" in query:
        value = b"PostgreSQL 15.0" if "version" in query else b"public"
        return _row_description() + _data_row(value) + _message(b"C", b"SELECT 1\0")
    return _message(b"C", b"SET\0")


def _status_after(query: str, status: bytes) -> bytes:
    if query.startswith("BEGIN"):
        return b"T"
    return b"I" if query in ("COMMIT", "ROLLBACK") else status


def _read(peer: Peer, count: int) -> bytes:
    """Read exactly so many bytes, or nothing at the end."""
    return peer.read_body(count)


# Starts the server; its DSN.
Serve = Callable[[ScriptedPostgres], str]
