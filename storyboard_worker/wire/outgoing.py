"""A request as the pieces that are sent (RFC 9112, sections 3 and 6)."""

from collections.abc import Iterator

import httpx

# A first piece of a body up to here is copied behind the head, to save a packet.
COALESCED_BYTES = 16 * 1024


def request_pieces(request: httpx.Request) -> Iterator[bytes]:
    """Head and body, none of them empty; the body is asked for piece by piece.

    What the body raises passes through. Raises :class:`httpx.LocalProtocolError` before a
    body could be sent that is longer than declared, and after one that was shorter.
    """
    unsent = request_head(request)
    length = missing = declared_length(request)
    for chunk in _body(request) if length else ():
        missing -= len(chunk)
        if missing < 0:
            raise httpx.LocalProtocolError("the request's body is longer than declared")
        if unsent and len(chunk) <= COALESCED_BYTES:
            yield unsent + chunk
        else:
            if unsent:
                yield unsent
            yield chunk
        unsent = b""
    if unsent:
        yield unsent
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
    if "transfer-encoding" in request.headers:
        raise httpx.LocalProtocolError("a request's body needs a Content-Length")
    return int(request.headers.get("content-length", 0))


def _body(request: httpx.Request) -> Iterator[bytes]:
    if not isinstance(request.stream, httpx.SyncByteStream):
        raise httpx.LocalProtocolError("the request's body is an asynchronous stream")
    return (chunk for chunk in request.stream if chunk)
