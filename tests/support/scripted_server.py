"""A server on loopback that plays a script of bytes for each connection."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

PATIENCE_SECONDS = 20.0


class Peer:
    """The server's end of one connection, as a script sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = b""

    def read_head(self) -> bytes:
        """The next request's head with its empty line; empty when the client has closed."""
        while b"\r\n\r\n" not in self._buffer:
            received = self.sock.recv(65536)
            if not received:
                return b""
            self._buffer += received
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def read_body(self, length: int) -> bytes:
        pieces, missing = [self._buffer[:length]], length - len(self._buffer[:length])
        self._buffer = self._buffer[length:]
        while missing and (received := self.sock.recv(min(missing, 65536))):
            pieces.append(received)
            missing -= len(received)
        return b"".join(pieces)

    def read_to_end(self) -> bytes:
        """Reads everything until the client closes or breaks off."""
        received = self._buffer
        with suppress(ConnectionError, ssl.SSLError):
            while data := self.sock.recv(65536):
                received += data
        return received

    def discard(self) -> None:
        """Reads everything as fast as it comes, until the client closes or breaks off."""
        scratch = bytearray(1024 * 1024)
        with suppress(ConnectionError, ssl.SSLError):
            while self.sock.recv_into(scratch):
                pass

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def drip(self, data: bytes) -> None:
        """A byte every 20 ms, over and over, until the client has gone."""
        self.sock.settimeout(0.02)
        with suppress(ConnectionError, ssl.SSLError):
            while True:
                for byte in data:
                    self.sock.sendall(bytes([byte]))
                    with suppress(TimeoutError):
                        if not self.sock.recv(65536):
                            return


Script = Callable[[Peer], object]


class ScriptedServer:
    """Plays ``scripts``, one for each connection in their order, and then the last one again.

    An exception of a script, such as a failed assertion, is raised again when the server is left.
    Leaving waits for the scripts, so a client that keeps connections must be closed before.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._acceptor = threading.Thread(target=self._accept)
        self._farewell: object = None
        self.connections = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A last connection wakes the thread in accept(), after all connections before it.
        with socket.socket() as farewell:
            farewell.bind(("127.0.0.1", 0))
            self._farewell = farewell.getsockname()
            farewell.connect(self._listener.getsockname())
            self._acceptor.join(PATIENCE_SECONDS)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "a script hangs"
        if self._failures and error is None:
            raise self._failures[0]

    def _accept(self) -> None:
        while True:
            sock, address = self._listener.accept()
            if address == self._farewell:
                sock.close()
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._play, args=(script, sock))
            self._threads.append(thread)
            thread.start()

    def _play(self, script: Script, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE_SECONDS)
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            script(Peer(sock))
        except (AssertionError, OSError) as error:
            self._failures.append(error)
        finally:
            sock.close()


def answer(body: bytes = b"", *fields: str, status: str = "200 OK") -> bytes:
    """A whole answer that says its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saying(data: bytes) -> Script:
    """A script that gives the same answer to every request, until the client closes."""

    def script(peer: Peer) -> None:
        while peer.read_head():
            peer.say(data)

    return script


def closing_after(data: bytes) -> Script:
    """A script that answers the first request and closes."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(data)

    return script
