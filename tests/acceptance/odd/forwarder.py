"""An address of a database server that may move. Later connections reach another server."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psycopg import conninfo

CHUNK_BYTES = 65536


def server_socket(dsn: str) -> Path:
    """Where a server without TCP listens."""
    parts = conninfo.conninfo_to_dict(dsn)
    return Path(str(parts["host"])) / f".s.PGSQL.{parts.get('port') or 5432}"


class Forwarder:
    """Carries TCP on loopback to the Unix socket ``target``, which a test may change.

    Connections that exist stay with the server that they were made to.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        # On the monotonic clock.
        self.connected_at: list[float] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def dsn(self, dsn: str) -> str:
        """The same database by way of this."""
        _, port = self._listener.getsockname()
        return conninfo.make_conninfo(dsn, host="127.0.0.1", port=port)

    def close(self) -> None:
        for sock in [self._listener, *self._open]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connected_at.append(time.monotonic())
                server = socket.socket(socket.AF_UNIX)
                self._open += [client, server]
                server.connect(str(self.target))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=_carry, args=ends, daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarding(target: Path) -> Iterator[Forwarder]:
    forwarder = Forwarder(target)
    try:
        yield forwarder
    finally:
        forwarder.close()
