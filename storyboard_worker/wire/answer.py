"""One answer of a peer: its head and its body, read from a socket (RFC 9112).

llhttp, the parser of Node.js, decides strictly what an answer is. It parses a body only if the
body comes in chunks. Of any other body it sees only what arrived together with the head, and the
rest passes without a copy.
"""

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import NamedTuple

import httptools
import httpx

from storyboard_worker.wire.request import Field

# Enough for a head. If the beginning of a body comes with it, there is little to copy.
HEAD_READ_BYTES = 65536
# The most that one read of a body may bring. Larger reads save system calls and hand-overs of the
# interpreter: at 1 MB half of this would cost a tenth of the images/s. They cost memory, because an
# image on its way occupies a few of them. A large body gains nothing by them and has less: sixteen
# images of 30 MB then need 78 MB in place of 101, for no more processor time.
READ_BYTES = 512 * 1024
LARGE_BODY_BYTES = 4 * 1024 * 1024
LARGE_BODY_READ_BYTES = 128 * 1024

# The limit of http.client; trailer fields count as well.
MAX_FIELDS = 100
MAX_HEAD_BYTES = 2 * HEAD_READ_BYTES
# A peer may send interim answers (1xx) before the final one, but not without end.
MAX_INTERIM_ANSWERS = 20
SWITCHING_PROTOCOLS = 101
FIRST_STATUS, FIRST_FINAL_STATUS = 100, 200
BODILESS_STATUSES = frozenset({204, 304})


class Delimiter(Enum):
    """How a body of undeclared length ends."""

    LAST_CHUNK = auto()
    CLOSE = auto()


class AnswerHead(NamedTuple):
    """Status line and header fields of a final answer; the names of ``fields`` are in lower case.

    ``keeps_alive`` is true if the peer keeps the connection open (RFC 9112, section 9.3).
    """

    version: str
    status: int
    reason: bytes
    fields: list[Field]
    keeps_alive: bool

    def values(self, name: bytes) -> list[bytes]:
        """The comma-separated members of all fields ``name``; both are in lower case."""
        found = [value for known, value in self.fields if known == name]
        if not found:
            return found
        return [member.strip(b" \t").lower() for member in b",".join(found).split(b",")]

    def text(self, name: bytes) -> str:
        """The values of all fields ``name``, joined by commas; empty if there is none."""
        found = [value for known, value in self.fields if known == name]
        return _decoded(b", ".join(found)) if found else ""


class Answer:
    """The answer to one request.

    ``receive`` returns at most as many bytes as it is asked for, and none at the end. Each
    method raises :class:`httpx.RemoteProtocolError` for bytes that are no valid answer.
    """

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        # Whether any byte has arrived.
        self.began = False
        self._parser = httptools.HttpResponseParser(self)
        self._reason = b""
        self._fields: list[Field] = []
        self._head: AnswerHead | None = None
        self._interim_answers = 0
        # Parts of the body that have arrived and were not yet read.
        self._pieces: list[bytes] = []
        self._whole = False
        self._more_came = False
        self._failure: BaseException | None = None

    @property
    def more_came(self) -> bool:
        """Whether more than this answer has arrived; its connection cannot be trusted then."""
        return self._more_came or bool(self._pieces) or self._failure is not None

    def read_head(self) -> AnswerHead:
        """The head of the final answer. Interim answers (RFC 9110, section 15.2) are skipped."""
        arrived_bytes = 0
        while self._head is None:
            if arrived_bytes > MAX_HEAD_BYTES:
                raise httpx.RemoteProtocolError(f"a head of more than {MAX_HEAD_BYTES:,} bytes")
            received = self._receive(HEAD_READ_BYTES)
            if not received:
                raise httpx.RemoteProtocolError("the peer closed the connection before an answer")
            self.began = True
            arrived_bytes += len(received)
            self._feed(received)
            if self._failure is not None and self._head is None:
                raise self._failure
        return self._head

    def body(self, length: int | Delimiter) -> Iterator[bytes]:
        """The body as it arrives; ``length`` comes from :func:`body_length`."""
        if length is Delimiter.LAST_CHUNK:
            return self._chunked()
        # The parser and this answer refer to each other. Without this they would stay in memory
        # until the next garbage collection.
        del self._parser
        return self._until_close() if isinstance(length, Delimiter) else self._counted(length)

    def _chunked(self) -> Iterator[bytes]:
        while True:
            yield from self._taken()
            if self._whole:
                del self._parser
                return
            if self._failure is not None:
                raise self._failure
            received = self._receive(READ_BYTES)
            if not received:
                raise httpx.RemoteProtocolError("incomplete body: its last chunk is missing")
            self._feed(received)

    def _until_close(self) -> Iterator[bytes]:
        yield from self._taken()
        while chunk := self._receive(READ_BYTES):
            yield chunk

    def _counted(self, length: int) -> Iterator[bytes]:
        if not length:
            # What has come all the same is no part of it: see `more_came`.
            return
        missing = length
        most = READ_BYTES if length <= LARGE_BODY_BYTES else LARGE_BODY_READ_BYTES
        for piece in self._taken():
            missing -= len(piece)
            yield piece
        while missing:
            chunk = self._receive(min(missing, most))
            if not chunk:
                raise httpx.RemoteProtocolError(
                    f"incomplete body: {missing:,} of {length:,} bytes are missing"
                )
            missing -= len(chunk)
            yield chunk

    def _taken(self) -> list[bytes]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _feed(self, received: bytes) -> None:
        """A failure is kept for later, because the bytes before it are good."""
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserCallbackError as error:
            # The methods below raised its context.
            self._failure = error.__context__
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            part = "the answer does not begin as HTTP/1.1 does"
            if self._head is not None:
                part = "broken chunked body"
            self._failure = httpx.RemoteProtocolError(f"{part}: {error}")
            self._failure.__cause__ = error

    # The parser calls the following methods.

    def on_message_begin(self) -> None:
        self._more_came = self._whole
        self._reason = b""

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._whole:
            return
        if len(self._fields) == MAX_FIELDS:
            raise httpx.RemoteProtocolError(f"more than {MAX_FIELDS} header lines")
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._whole:
            return
        status = self._parser.get_status_code()
        if status < FIRST_STATUS:
            raise httpx.RemoteProtocolError("the answer's status is none")
        if status == SWITCHING_PROTOCOLS:
            raise httpx.RemoteProtocolError("the peer switches to a protocol unasked")
        if status < FIRST_FINAL_STATUS:
            self._pass_over_interim()
            return
        self._head = AnswerHead(
            self._parser.get_http_version(),
            status,
            self._reason,
            self._fields.copy(),
            self._parser.should_keep_alive(),
        )

    def on_body(self, piece: bytes) -> None:
        if not self._whole:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self._whole = self._head is not None

    def _pass_over_interim(self) -> None:
        self._interim_answers += 1
        if self._interim_answers > MAX_INTERIM_ANSWERS:
            raise httpx.RemoteProtocolError(f"more than {MAX_INTERIM_ANSWERS} interim answers")
        self._fields.clear()


def body_length(method: str, head: AnswerHead) -> int | Delimiter:
    """Where a body ends (RFC 9112, section 6.3).

    Raises :class:`httpx.RemoteProtocolError` for a transfer coding other than ``chunked``.
    """
    if method == "HEAD" or head.status in BODILESS_STATUSES:
        return 0
    codings = head.values(b"transfer-encoding")
    if codings == [b"chunked"]:
        return Delimiter.LAST_CHUNK
    if codings:
        raise httpx.RemoteProtocolError("a transfer coding that was not asked for")
    lengths = head.values(b"content-length")
    return int(lengths[0]) if lengths else Delimiter.CLOSE


def _decoded(value: bytes) -> str:
    """Fields are ASCII, but old servers write what they like (RFC 9110, section 5.5)."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
