"""Postgres' protocol, version 3, as far as a proxy has to understand it.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

READ_BYTES = 65_536
# What stands in the place of the version in packets that begin no session.
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
        """The version, or the wish, of a packet before the session."""
        return int(struct.unpack_from("!i", self.body)[0])

    @property
    def sql(self) -> str:
        """The text that a Query or a Parse carries; that of any other message is empty."""
        if self.kind == QUERY:
            return _text(self.body)
        if self.kind == PARSE:
            # The name of the prepared statement stands before it.
            return _text(self.body.partition(b"\0")[2])
        return ""

    @property
    def ends_request(self) -> bool:
        """From the client: the server answers now."""
        return self.kind in {QUERY, SYNC, TERMINATE}

    @property
    def asks_for_password(self) -> bool:
        """From the server: the login goes on only when the client has answered."""
        return self.kind == AUTHENTICATION and self.body[:4] != AUTHENTICATED


def _text(body: bytes) -> str:
    return body.partition(b"\0")[0].decode(errors="replace")


class Stream:
    """The messages that one side sends."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def packet(self) -> Message | None:
        """One of those before the session; ``None`` when the other side is gone."""
        return self._read(kind_bytes=0)

    def messages(self) -> Iterator[Message]:
        """Until the other side is gone."""
        while (message := self._read(kind_bytes=1)) is not None:
            yield message

    def swallow(self) -> None:
        """Take and forget whatever comes, so that TCP acknowledges it, until the end."""
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
            # Cut, by us or by the other side.
            return False
        self._buffer += received
        return bool(received)
