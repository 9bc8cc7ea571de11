"""One HTTP/1.1 request and the way to answer it, well or badly (RFC 9112)."""

import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPMethod
from http.client import responses as reason_phrases
from typing import Self
from urllib.parse import unquote

MAX_HEAD_BYTES = 65_536
RECEIVE_BYTES = 262_144
# Below this, copying the body behind its head costs less than a second system call.
JOINED_BYTES = 65_536
LINGER_SECONDS = 5.0
STOP_CHECK_SECONDS = 0.02


class ClientGone(ConnectionError):
    """The client closed its connection in the middle of a request."""


@dataclass(frozen=True, slots=True)
class Request:
    """What stands before the body. ``path`` is unquoted; names of ``headers`` are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, head: bytes) -> Self:
        """Raises :class:`ValueError` for what is no request."""
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return cls(method, unquote(path), query, headers)


class Incoming:
    """The reading side of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffered = bytearray()

    def read_head(self) -> bytes:
        """Request line and headers; empty when the client has no further request."""
        while (end := self._buffered.find(b"\r\n\r\n")) < 0:
            received = self._connection.recv(RECEIVE_BYTES)
            if not received or len(self._buffered) > MAX_HEAD_BYTES:
                return b""
            self._buffered += received
        head = bytes(self._buffered[:end])
        del self._buffered[: end + 4]
        return head

    def read_exactly(self, length_bytes: int) -> bytearray:
        """Raises :class:`ClientGone` when fewer bytes come."""
        body = bytearray(length_bytes)
        filled = min(length_bytes, len(self._buffered))
        body[:filled] = self._buffered[:filled]
        del self._buffered[:filled]
        with memoryview(body) as view:
            while filled < length_bytes:
                received = self._connection.recv_into(view[filled:])
                if not received:
                    raise ClientGone(f"{filled} of {length_bytes} bytes came")
                filled += received
        return body


class Exchange:
    """One request to answer, once: by :meth:`answer`, by hand, or not at all."""

    def __init__(
        self,
        request: Request,
        connection: socket.socket,
        incoming: Incoming,
        stopping: threading.Event,
    ) -> None:
        self.request = request
        self.is_over = False
        self.keeps_connection = request.headers.get("connection", "").lower() != "close"
        # Sent with every answer, a faulty one too.
        self.standing_headers: dict[str, str] = {}
        self._connection = connection
        self._incoming = incoming
        self._stopping = stopping
        self._body_unread = self.is_chunked or self.declared_length not in (None, 0)
        self._lingers = True

    @property
    def is_chunked(self) -> bool:
        return "transfer-encoding" in self.request.headers

    @property
    def declared_length(self) -> int | None:
        declared = self.request.headers.get("content-length", "")
        return int(declared) if declared.isdecimal() else None

    def read_body(self) -> bytearray:
        """The request's body by its declared length; :class:`ClientGone` if it breaks off."""
        if self.request.headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._incoming.read_exactly(self.declared_length or 0)
        self._body_unread = False
        return body

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """A complete answer. ``headers`` win over the ``Content-Length`` set here."""
        head = self.head(status, {"Content-Length": str(len(body)), **(headers or {})})
        if self.request.method == HTTPMethod.HEAD:
            body = b""
        if len(body) <= JOINED_BYTES:
            self.send(head + body)
        else:
            self.send(head)
            self.send(body)
        self.is_over = True

    def head(self, status: int, headers: Mapping[str, str]) -> bytes:
        """Status line and headers as bytes; says so if the connection will not be kept."""
        if self._body_unread:
            self.keeps_connection = False
        phrase = reason_phrases.get(status, "Unnamed")
        lines = [f"HTTP/1.1 {status} {phrase}", f"Date: {formatdate(usegmt=True)}"]
        if not self.keeps_connection:
            lines.append("Connection: close")
        lines += [f"{k}: {v}" for k, v in {**self.standing_headers, **headers}.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def close(self, *, lingers: bool = True) -> None:
        """No more on this connection. Without ``lingers``, an unread body resets it."""
        self.is_over = True
        self.keeps_connection = False
        self._lingers = lingers

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        # Linger on, for zero seconds: what close() then sends is a reset (socket(7)).
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(lingers=False)

    def linger(self) -> None:
        """Take what the client still sends, so that it reads the answer (RFC 9112, 9.6)."""
        if not (self._lingers and self._body_unread):
            return
        self._connection.settimeout(LINGER_SECONDS)
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            while self._connection.recv(RECEIVE_BYTES):
                pass

    def pause(self, seconds: float) -> None:
        """Sleep; :class:`ConnectionAbortedError` if the server stops first."""
        if seconds > 0 and self._stopping.wait(seconds):
            raise ConnectionAbortedError("the server stops")

    def wait(self, until: threading.Event) -> None:
        """Wait for ``until``; :class:`ConnectionAbortedError` if the server stops first."""
        while not until.wait(STOP_CHECK_SECONDS):
            if self._stopping.is_set():
                raise ConnectionAbortedError("the server stops")
