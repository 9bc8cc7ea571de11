"""A request as the pieces that are sent (RFC 9112, sections 3 and 6)."""

from collections.abc import Iterator

import httpx

# Up to here a request, or the beginning of one, is copied into one piece: each piece is a
# system call, a packet, a record of TLS, and a chance for another thread to get in between.
ONE_PIECE_BYTES = 16 * 1024


def request_pieces(request: httpx.Request) -> Iterator[bytes]:
    """Head and body, none of them empty; the body is asked for piece by piece.

    What the body raises passes through: of a request that fits into one piece nothing has been
    sent then. Raises :class:`httpx.LocalProtocolError` before a body could be sent that is
    longer than declared, and after one that was shorter.
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
    """What goes before the body, the empty line included."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%s: %s" % field for field in request.headers.raw]
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    # Each line has one end, and nobody's value may smuggle in another.
    if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1:
        raise httpx.LocalProtocolError("a line break inside a header field")
    return head


def declared_length(request: httpx.Request) -> int:
    """0 for a request without a body; one with a body has to say its length."""
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
