"""Where the body of an answer ends (RFC 9112, sections 6 and 7)."""

import re
from collections.abc import Iterator
from enum import Enum, auto

import httpx

from storyboard_worker.wire.head import AnswerHead, read_fields
from storyboard_worker.wire.reader import Reader

# The most that one read may bring. Larger ones save system calls and cost memory: a few of
# these are all that an image occupies on its way. Half of it would cost a tenth of the images/s
# at 1 MB, and save a tenth of the memory at 30 MB.
READ_BYTES = 512 * 1024

BODILESS_STATUSES = frozenset({204, 304})
DECIMAL = re.compile(rb"[0-9]{1,18}")
HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{1,15}")


class Delimiter(Enum):
    """How a body ends that does not say its length."""

    LAST_CHUNK = auto()
    CLOSE = auto()


def body_length(method: str, head: AnswerHead) -> int | Delimiter:
    """Raises :class:`httpx.RemoteProtocolError` when two readings are possible."""
    if method == "HEAD" or head.status in BODILESS_STATUSES:
        return 0
    codings = head.values(b"transfer-encoding")
    if codings == [b"chunked"]:
        return Delimiter.LAST_CHUNK
    if codings:
        raise httpx.RemoteProtocolError("a transfer coding that was not asked for")
    lengths = set(head.values(b"content-length"))
    if not lengths:
        return Delimiter.CLOSE
    length = lengths.pop()
    if lengths or not DECIMAL.fullmatch(length):
        raise httpx.RemoteProtocolError("the answer's Content-Length is not one number")
    return int(length)


def body_chunks(reader: Reader, length: int | Delimiter) -> Iterator[bytes]:
    """The body as it arrives.

    Raises :class:`httpx.RemoteProtocolError` when it ends before it should.
    """
    if length is Delimiter.LAST_CHUNK:
        yield from _chunked(reader)
    elif length is Delimiter.CLOSE:
        while chunk := reader.chunk(READ_BYTES):
            yield chunk
    else:
        yield from _counted(reader, length)


def _counted(reader: Reader, length: int) -> Iterator[bytes]:
    missing = length
    while missing:
        chunk = reader.chunk(min(missing, READ_BYTES))
        if not chunk:
            raise httpx.RemoteProtocolError(
                f"incomplete body: {missing:,} of {length:,} bytes are missing"
            )
        missing -= len(chunk)
        yield chunk


def _chunked(reader: Reader) -> Iterator[bytes]:
    while size := _chunk_size(reader):
        yield from _counted(reader, size)
        if reader.line():
            raise httpx.RemoteProtocolError("broken chunked body: a chunk is too long")
    read_fields(reader)


def _chunk_size(reader: Reader) -> int:
    size = reader.line().partition(b";")[0].strip(b" \t")
    if not HEXADECIMAL.fullmatch(size):
        raise httpx.RemoteProtocolError("broken chunked body: a chunk has no size")
    return int(size, 16)
