"""A request as the pieces that are sent (RFC 9112, sections 3 and 6)."""

from collections.abc import Iterator

import httpx

from storyboard_worker.wire.request import Request

# A request of up to this size, or the beginning of a longer one, is copied into one piece. Each
# piece costs a system call, a packet and a TLS record, and lets another thread run in between.
ONE_PIECE_BYTES = 16 * 1024


def request_pieces(request: Request) -> Iterator[bytes]:
    """Head and body in pieces, none of them empty; the body is read piece by piece.

    An exception from the body passes through. If the request fits into one piece, nothing has
    been sent at that moment. Raises :class:`httpx.LocalProtocolError` before more of a body is
    sent than was declared, and at the end of a body that is shorter.
    """
    head, length = request.head, request.length_bytes
    if not length:
        yield head
        return
    body = _checked(request)
    if len(head) + length <= ONE_PIECE_BYTES:
        yield head + b"".join(body)
        return
    first = next(body)
    if len(head) + len(first) <= ONE_PIECE_BYTES:
        yield head + first
    else:
        yield head
        yield first
    yield from body


def _checked(request: Request) -> Iterator[bytes]:
    missing = request.length_bytes
    for piece in request.body:
        missing -= len(piece)
        if missing < 0:
            raise httpx.LocalProtocolError("the request's body is longer than declared")
        if piece:
            yield piece
    if missing:
        raise httpx.LocalProtocolError(f"the request's body lacks {missing:,} bytes")
