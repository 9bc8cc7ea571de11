"""A small HTTP/1.1 server on loopback: one thread a connection, which it keeps alive.

Not the standard library's: a stand-in has to break the protocol on request, and benchmarks
should measure the client and not this.
"""

import socket
import ssl
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Self

from storyboard_worker.demo.exchange import Exchange, Incoming, Request

LISTEN_BACKLOG = 1024
STOP_SECONDS = 10.0
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Server(ABC):
    """Serves from :meth:`start` to :meth:`stop`, or inside a ``with``; not twice.

    ``port`` 0 takes a free one. With ``tls``, a server-side context, it speaks https.
    """

    def __init__(
        self,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address
        self._port = port
        self._tls = tls
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}

    @abstractmethod
    def handle(self, exchange: Exchange) -> None:
        """Answer one request; called on the thread of its connection."""

    @property
    def url(self) -> str:
        """Scheme, address and port, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{self._address}:{self._port}"

    def start(self) -> None:
        self._listener = socket.create_server(
            (self._address, self._port), backlog=LISTEN_BACKLOG, reuse_port=False
        )
        self._port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(
            target=self._accept, name=f"{type(self).__name__} accept", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Refuse new connections, break off the open ones, and wait for their threads."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        # Closing a socket does not wake a thread that accepts on it; a connection does.
        with suppress(OSError):
            socket.create_connection((self._address, self._port), timeout=1).close()
        self._acceptor.join(STOP_SECONDS)
        self._listener.close()
        with self._lock:
            still_open = dict(self._open)
        for connection in still_open.values():
            with suppress(OSError):
                # Not the method of SSLSocket: that would pull the TLS state from under the
                # thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in still_open:
            thread.join(STOP_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping.is_set():
                connection.close()
                return
            with suppress(OSError):  # a client that is gone already
                self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            # The handshake happens on the connection's own thread: it may take long.
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(
            target=self._serve, args=(connection,), name=type(self).__name__, daemon=True
        )
        with self._lock:
            self._open[thread] = connection
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):  # the client is gone
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                self._converse(connection)
        finally:
            with self._lock:
                del self._open[threading.current_thread()]

    def _converse(self, connection: socket.socket) -> None:
        incoming = Incoming(connection)
        while head := incoming.read_head():
            try:
                request = Request.parse(head)
            except ValueError:
                connection.sendall(BAD_REQUEST)
                return
            exchange = Exchange(request, connection, incoming, self._stopping)
            self.handle(exchange)
            if not exchange.keeps_connection:
                exchange.linger()
                return
