"""Postgres' protocol, version 3, as far as a proxy has to understand it.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

READ_BYTES = 65_536
# Values in the place of the version, in packets that begin no session.
CANCEL_REQUEST = 80877102
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
NOT_HERE = b"N"

# Kinds of messages, by their first byte; 'S' is Sync only from the client.
QUERY, PARSE, SYNC, TERMINATE = b"Q", b"P", b"S", b"X"
READY, AUTHENTICATION = b"Z", b"R"
AUTHENTICATED = struct.pack("!i", 0)


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``kind`` is empty for the packets before the session."""

    kind: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        return self.kind + struct.pack("!i", len(self.body) + 4) + self.body

    @property
    def code(self) -> int:
        """The version, or the code of the request, in a packet before the session."""
        return int(struct.unpack_from("!i", self.body)[0])

    @property
    def sql(self) -> str:
        """The text of a Query or a Parse; that of any other message is empty."""
        if self.kind == QUERY:
            return _text(self.body)
        if self.kind == PARSE:
            # The name of the prepared statement precedes it.
            return _text(self.body.partition(b"\0")[2])
        return ""

    @property
    def ends_request(self) -> bool:
        """Whether the server answers after the client has sent it."""
        return self.kind in {QUERY, SYNC, TERMINATE}

    @property
    def asks_for_password(self) -> bool:
        """Whether the login goes on only after the client has answered it."""
        return self.kind == AUTHENTICATION and self.body[:4] != AUTHENTICATED


def _text(body: bytes) -> str:
    return body.partition(b"\0")[0].decode(errors="replace")


class Stream:
    """The messages that one side sends."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def packet(self) -> Message | None:
        """A packet before the session, or ``None`` when the other side is gone."""
        return self._read(kind_bytes=0)

    def messages(self) -> Iterator[Message]:
        """Messages until the other side is gone."""
        while (message := self._read(kind_bytes=1)) is not None:
            yield message

    def swallow(self) -> None:
        """Read and discard everything until the end, so that TCP acknowledges it."""
        while self._receive():
            self._buffer.clear()

    def _read(self, kind_bytes: int) -> Message | None:
        head = kind_bytes + 4
        if not self._fill(head):
            return None
        end = kind_bytes + int(struct.unpack_from("!i", self._buffer, kind_bytes)[0])
        if not self._fill(end):
            return None
        message = Message(bytes(self._buffer[:kind_bytes]), bytes(self._buffer[head:end]))
        del self._buffer[:end]
        return message

    def _fill(self, length: int) -> bool:
        while len(self._buffer) < length:
            if not self._receive():
                return False
        return True

    def _receive(self) -> bool:
        try:
            received = self._connection.recv(READ_BYTES)
        except OSError:
            # It was cut, by this proxy or by the other side.
            return False
        self._buffer += received
        return bool(received)
