"""A proxy before Postgres that loses exchanges and connections as a test wants.

It accepts clients on loopback and leads to a server on TCP or a Unix socket. The faults of one
exchange are in :mod:`tests.support.database_faults`.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from psycopg import conninfo

from tests.support.database_faults import Exchange, Fault
from tests.support.proxied_session import Session

PATIENCE_SECONDS = 30.0
ADDRESS = "127.0.0.1"
PORT = 5432


class DatabaseProxy:
    """``server_dsn`` leads to the server; :attr:`dsn` to the same database through the proxy."""

    def __init__(self, server_dsn: str) -> None:
        self._server = conninfo.conninfo_to_dict(server_dsn)
        self._changed = threading.Condition()
        self._faults: list[Fault] = []
        self._exchanges: list[Exchange] = []
        self._sessions: list[Session] = []
        self._listeners: list[threading.Thread] = []
        self._listening: socket.socket | None = None
        self.is_silent = False
        self.is_silent_after_login = False
        # It is bound and does not listen, which keeps the port while connections are refused.
        self._place = _bound(0)
        self._port: int = self._place.getsockname()[1]
        self.accept()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def dsn(self) -> str:
        parts = {**self._server, "host": ADDRESS, "port": self._port}
        return conninfo.make_conninfo("", **parts)

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges so far, in their order."""
        with self._changed:
            return list(self._exchanges)

    def wait_for(
        self,
        matches: Callable[[Exchange], bool],
        count: int = 1,
        timeout_seconds: float = PATIENCE_SECONDS,
    ) -> list[Exchange]:
        """The exchanges that match, once there are ``count``."""

        def found() -> list[Exchange]:
            return [exchange for exchange in self._exchanges if matches(exchange)]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count, timeout_seconds)
            assert len(found()) >= count, f"{found()} are no {count} within {timeout_seconds} s"
            return found()

    def inject(self, fault: Fault) -> Fault:
        """Let the fault strike when its time comes. Several faults may wait."""
        with self._changed:
            self._faults.append(fault)
        return fault

    def silence(self) -> None:
        """Swallow everything on all connections, new ones included, until :meth:`resume`.

        Connections on which something was swallowed stay silent then. The others work.
        """
        self.is_silent = True

    def resume(self) -> None:
        self.is_silent = self.is_silent_after_login = False

    def silence_after_login(self) -> None:
        """Let new connections log in and pass nothing more, until :meth:`resume`.

        This is what a client sees of a paused pooler.
        """
        self.is_silent_after_login = True

    def silence_those_that_said(self, pattern: str) -> int:
        """Silence the connections whose last request contains this; how many there were."""
        with self._changed:
            found = [session for session in self._sessions if pattern in session.last_request]
        for session in found:
            session.silence()
        return len(found)

    def cut(self) -> None:
        """Close all connections."""
        with self._changed:
            sessions = list(self._sessions)
        for session in sessions:
            session.cut()

    def refuse(self) -> None:
        """Refuse new connections until :meth:`accept`."""
        listening, self._listening = self._listening, None
        if listening is not None:
            # Closing alone would not wake the thread that waits for clients.
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()

    def accept(self) -> None:
        listening = self._listening = _bound(self._port)
        listening.listen()
        thread = threading.Thread(
            target=self._listen, args=(listening,), name="database proxy", daemon=True
        )
        self._listeners.append(thread)
        thread.start()

    def close(self) -> None:
        self.refuse()
        for thread in self._listeners:
            thread.join()
        self.cut()
        for session in self._sessions:
            session.close()
        self._place.close()

    def connect(self) -> socket.socket:
        """For sessions: to the server."""
        host, port = str(self._server["host"]), int(self._server.get("port") or PORT)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def fault_for(self, exchange: Exchange) -> Fault | None:
        """For sessions: notes the exchange; the fault that shall hit it."""
        with self._changed:
            self._exchanges.append(exchange)
            self._changed.notify_all()
            hit = next((fault for fault in self._faults if fault.meets(exchange)), None)
            if hit is not None:
                self._faults.remove(hit)
            return hit

    def _listen(self, listening: socket.socket) -> None:
        # It lasts until the connection is closed.
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                # Each message is sent by itself, and does not wait for the one before to arrive.
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._changed:
                    session = Session(len(self._sessions), client, self)
                    self._sessions.append(session)
                session.start()


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((ADDRESS, port))
    return bound
