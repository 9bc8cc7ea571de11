"""A request as the pieces that are sent (RFC 9112, sections 3 and 6)."""

from collections.abc import Iterator

import httpx

# A request of up to this size, or the beginning of a longer one, is copied into one piece. Each
# piece costs a system call, a packet and a TLS record, and lets another thread run in between.
ONE_PIECE_BYTES = 16 * 1024


def request_pieces(request: httpx.Request) -> Iterator[bytes]:
    """Head and body in pieces, none of them empty; the body is read piece by piece.

    An exception from the body passes through. If the request fits into one piece, nothing has
    been sent at that moment. Raises :class:`httpx.LocalProtocolError` before more of a body is
    sent than was declared, and at the end of a body that is shorter.
    """
    head = request_head(request)
    length = declared_length(request)
    body = _checked(_body(request), length) if length else iter(())
    if not length or len(head) + length <= ONE_PIECE_BYTES:
        yield head + b"".join(body)
        return
    first = next(body)
    if len(head) + len(first) <= ONE_PIECE_BYTES:
        yield head + first
    else:
        yield head
        yield first
    yield from body


def _checked(body: Iterator[bytes], length: int) -> Iterator[bytes]:
    missing = length
    for chunk in body:
        missing -= len(chunk)
        if missing < 0:
            raise httpx.LocalProtocolError("the request's body is longer than declared")
        yield chunk
    if missing:
        raise httpx.LocalProtocolError(f"the request's body lacks {missing:,} bytes")


def request_head(request: httpx.Request) -> bytes:
    """The lines before the body, with the empty line at their end."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%s: %s" % field for field in request.headers.raw]
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    # Each line has one end. A value that contains another could add a header field.
    if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1:
        raise httpx.LocalProtocolError("a line break inside a header field")
    return head


def declared_length(request: httpx.Request) -> int:
    """The length of the body; 0 without a body.

    Raises :class:`httpx.LocalProtocolError` for a body without a declared length.
    """
    length = 0
    for name, value in request.headers.raw:
        match name.lower():
            case b"transfer-encoding":
                raise httpx.LocalProtocolError("a request's body needs a Content-Length")
            case b"content-length":
                length = int(value)
    return length


def _body(request: httpx.Request) -> Iterator[bytes]:
    if not isinstance(request.stream, httpx.SyncByteStream):
        raise httpx.LocalProtocolError("the request's body is an asynchronous stream")
    return (chunk for chunk in request.stream if chunk)
