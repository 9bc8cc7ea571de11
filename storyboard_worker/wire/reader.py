"""Lines and chunks out of a socket."""

from collections.abc import Callable

import httpx

# As http.client has it.
MAX_LINE_BYTES = 65536
# Enough for a head, and little to copy when the beginning of a body comes along with it.
HEAD_READ_BYTES = 65536


class Reader:
    """Reads one connection: heads by lines, bodies by whatever one read gives.

    ``receive`` answers at most as many bytes as it is asked for, and none at the end.
    """

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._buffer = b""
        self._position = 0
        # Whether a head has begun to arrive since somebody set this back.
        self.bytes_arrived = False

    @property
    def holds_bytes(self) -> bool:
        """True while something that was received has not been asked for."""
        return self._position < len(self._buffer)

    def line(self) -> bytes:
        """The next line without its end; CRLF, or LF alone (RFC 9112, section 2.2)."""
        while (end := self._buffer.find(b"\n", self._position)) < 0:
            if len(self._buffer) - self._position > MAX_LINE_BYTES:
                break
            self._fill()
        if end < 0 or end - self._position > MAX_LINE_BYTES:
            raise httpx.RemoteProtocolError(f"a line is longer than {MAX_LINE_BYTES} bytes")
        line = self._buffer[self._position : end]
        self._position = end + 1
        return line.removesuffix(b"\r")

    def chunk(self, limit: int) -> bytes:
        """What is there, after one wait at most: never more than ``limit``, none at the end."""
        if self._position == len(self._buffer):
            return self._receive(limit)
        chunk = self._buffer[self._position : self._position + limit]
        self._position += len(chunk)
        return chunk

    def _fill(self) -> None:
        received = self._receive(HEAD_READ_BYTES)
        if not received:
            raise httpx.RemoteProtocolError(
                "the peer closed the connection before or inside an answer"
            )
        self.bytes_arrived = True
        self._buffer = self._buffer[self._position :] + received
        self._position = 0
