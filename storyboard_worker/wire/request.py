"""A request as the wire sends it (RFC 9112, section 3).

httpx's requests are not used: to make one, and to read it again, took longer than to send it.
"""

from collections.abc import Iterable
from typing import NamedTuple

import httpx

from storyboard_worker.storyboard import USUAL_PORTS

Field = tuple[bytes, bytes]


class Origin(NamedTuple):
    """The server that a connection leads to. Requests to one origin share its connections."""

    scheme: str
    host: str
    port: int


class Target(NamedTuple):
    """What a request asks for: the origin, its name in the ``Host`` field, path and query."""

    origin: Origin
    authority: bytes
    path_and_query: bytes

    @classmethod
    def of(cls, url: httpx.URL) -> "Target":
        """Raises :class:`httpx.UnsupportedProtocol` for a URL that names no such server."""
        if url.scheme not in USUAL_PORTS:
            raise httpx.UnsupportedProtocol(f"the scheme {url.scheme!r} is not http or https")
        if not url.raw_host:
            raise httpx.UnsupportedProtocol("the URL names no host")
        port = USUAL_PORTS[url.scheme] if url.port is None else url.port
        # url.host is the name for people. The network uses its ASCII form.
        origin = Origin(url.scheme, url.raw_host.decode("ascii"), port)
        return cls(origin, url.netloc, url.raw_path)


class Request(NamedTuple):
    """``body`` has exactly ``length_bytes`` bytes; 0: it has none.

    ``head`` is made by :func:`head_of`. With ``closes`` it asks the peer to close its connection.
    """

    method: str
    origin: Origin
    head: bytes
    length_bytes: int = 0
    body: Iterable[bytes] = ()
    closes: bool = False


def head_of(method: str, target: Target, lines: bytes) -> bytes:
    """The request line, the field ``Host``, and ``lines`` made by :func:`field_lines`."""
    head = b"%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (
        method.encode("ascii"),
        target.path_and_query,
        target.authority,
        lines,
    )
    # A line break in the path, the query or the host could add a header field.
    ends = lines.count(b"\n") + 3
    if head.count(b"\n") != ends or head.count(b"\r") != ends:
        raise httpx.LocalProtocolError("a line break inside a request line")
    return head


def field_lines(*fields: Field) -> bytes:
    """The lines of header fields. They are the same for many requests, so make them once.

    Raises :class:`httpx.LocalProtocolError` for a value that would add a field.
    """
    lines = b"".join(b"%s: %s\r\n" % field for field in fields)
    if lines.count(b"\n") != len(fields) or lines.count(b"\r") != len(fields):
        raise httpx.LocalProtocolError("a line break inside a header field")
    return lines
