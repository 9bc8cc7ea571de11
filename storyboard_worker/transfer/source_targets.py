"""Which URLs of a source may be asked: the row's own, and those that redirects lead to."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

import httpx

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.lengths import MAX_HOST_CHARACTERS, MAX_URL_BYTES
from storyboard_worker.wire.reply import Reply
from storyboard_worker.wire.request import Origin, Target

MAX_PORT = 65_535
# Names that DNS and the system's resolver accept (RFC 1035, section 2.3.4), also with the
# underscore that some stores use, and IPv4 addresses in any spelling.
HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# The bytes that need no escape in a URL.
PRINTABLE = range(0x21, 0x7F)

_PLAIN = r"[A-Za-z0-9!$&()*+,;=:@._~/-]"
_PLAIN_IN_QUERY = r"[A-Za-z0-9!$&()*+,;=:@._~/?-]"
# A URL whose path and query httpx sends as they are. To read these character by character is the
# larger part of what httpx does with a URL, and it says nothing of the server.
PLAIN_URL = re.compile(
    r"(?P<server>https?://[A-Za-z0-9._:\[\]-]+)"
    rf"(?P<path>(?:/{_PLAIN}*(?:%[0-9A-Fa-f]{{2}}{_PLAIN}*)*)?)"
    rf"(?P<query>(?:\?{_PLAIN_IN_QUERY}*(?:%[0-9A-Fa-f]{{2}}{_PLAIN_IN_QUERY}*)*)?)"
)
SERVERS_KEPT = 256

Server = tuple[Origin, bytes]


class Targets:
    """Checks URLs before they are asked.

    ``allowed_hosts`` holds exact names, or ``*.example.com`` for every name below it; empty
    allows any host. ``allow_http`` permits plain http (development). Each method raises
    :class:`AttemptError` with ``source_blocked`` for text that is no URL, and for a URL that
    may not be asked.
    """

    def __init__(self, *, allowed_hosts: tuple[str, ...], allow_http: bool) -> None:
        self._allowed_hosts = allowed_hosts
        self._allow_http = allow_http
        # Most rows lie behind one host.
        self._server = lru_cache(SERVERS_KEPT)(self._look_at_server)

    def checked(self, url: str, upstream: str) -> Target:
        """What a request for ``url`` asks for. An error names ``upstream``."""
        found = PLAIN_URL.fullmatch(url)
        # A segment that begins with a dot may lead to another path (RFC 3986, section 5.2.4).
        if found is None or "/." in found["path"]:
            return self._parsed(url, upstream)
        server = self._server(found["server"])
        if isinstance(server, str):
            raise _blocked(server, upstream)
        path_and_query = (found["path"] or "/") + found["query"]
        return Target(*server, path_and_query.encode("ascii"))

    def _look_at_server(self, server: str) -> Server | str:
        """``server`` is a URL up to its path. A text says why it may not be asked."""
        try:
            target = self._parsed(f"{server}/", "")
        except AttemptError as error:
            return error.message
        return target.origin, target.authority

    def _parsed(self, url: str, upstream: str) -> Target:
        try:
            parsed = httpx.URL(url)
            # This is its form in DNS and in SOURCE_HOSTS; `parsed.host` would decode xn-- names.
            host = parsed.raw_host.decode("ascii").lower()
            _ = parsed.host
            port = parsed.port
        except (httpx.InvalidURL, ValueError) as error:
            # A name that breaks the rules of IDNA raises a UnicodeError, which is a ValueError.
            raise _blocked("the source's address is no URL", upstream) from error
        reason = self._objection_to_url(parsed) or self._objection_to_host(host, port)
        if reason is not None:
            raise _blocked(reason, upstream)
        return Target.of(parsed)

    def redirected(self, asked: Target, reply: Reply, upstream: str) -> Target:
        """Where the ``reply`` to a request leads.

        It raises ``source_rejected`` for a redirect without a target.
        """
        location = _location(reply)
        if not location:
            raise AttemptError(
                ErrorCode.SOURCE_REJECTED,
                f"the source redirects ({reply.status}) without a target",
                upstream=upstream,
                http_status=reply.status,
            )
        # Parsing may take much longer than in proportion to the length, so this check comes first.
        if len(location) > MAX_URL_BYTES:
            raise _overlong(upstream)
        joined = _joined(asked, location)
        if len(joined) > MAX_URL_BYTES:
            raise _overlong(upstream)
        return self.checked(joined, upstream)

    def _objection_to_url(self, url: httpx.URL) -> str | None:
        if url.scheme != "https" and not (url.scheme == "http" and self._allow_http):
            return f"the scheme {url.scheme or 'none'!r} is not allowed"
        return "the URL carries user and password" if url.userinfo else None

    def _objection_to_host(self, host: str, port: int | None) -> str | None:
        if not host:
            return "the URL has no host"
        if len(host) > MAX_HOST_CHARACTERS:
            return f"the host has more than {MAX_HOST_CHARACTERS} characters"
        if not _can_be_a_host(host):
            return "the URL's host cannot be one"
        if port is not None and not 0 < port <= MAX_PORT:
            return f"the port {port} cannot be one"
        if self._allowed_hosts and not any(_fits(host, name) for name in self._allowed_hosts):
            return f"the host {host} is not in SOURCE_HOSTS"
        return None


def _location(reply: Reply) -> str:
    """The redirect's target. Each byte that a URL cannot hold is escaped."""
    raw = next((value for name, value in reply.head.fields if name == b"location"), b"")
    return "".join(chr(byte) if byte in PRINTABLE else f"%{byte:02X}" for byte in raw.strip())


def _joined(base: Target, location: str) -> str:
    """``location`` resolved against ``base`` (RFC 3986, section 5.2).

    Its text is kept as it is. Rebuilding it from parts would lose an empty query or parameter,
    which the signature covers.
    """
    if ABSOLUTE.match(location):
        return location
    if location.startswith("//"):
        return f"{base.origin.scheme}:{location}"
    path = base.path_and_query.decode("ascii").partition("?")[0]
    if location.startswith("/"):
        path = ""
    elif not location.startswith(("?", "#")):
        path = path[: path.rfind("/") + 1]
    return f"{base.origin.scheme}://{base.authority.decode('ascii')}{path}{location}"


def _can_be_a_host(host: str) -> bool:
    if ":" not in host:
        return HOST_NAME.fullmatch(host) is not None
    try:
        return IPv6Address(host).scope_id is None
    except AddressValueError:
        return False


def _fits(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return host == pattern


def _blocked(reason: str, upstream: str) -> AttemptError:
    return AttemptError(ErrorCode.SOURCE_BLOCKED, reason, upstream=upstream)


def _overlong(upstream: str) -> AttemptError:
    return _blocked(f"the source redirects to a URL of more than {MAX_URL_BYTES:,} bytes", upstream)
