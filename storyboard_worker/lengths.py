"""Limits for the texts that producers write: the table's CHECKs in Python, and what they measure.

No text that works is longer. Stores and servers refuse request lines far below 16 KB, and no name
of 254 characters can be in DNS (RFC 1035, section 2.3.4).
"""

import re

MAX_URL_BYTES = 16 * 1024
MAX_HOST_CHARACTERS = 253
# It is in an index together with a position. An entry holds 2,704 bytes.
MAX_PROJECT_BYTES = 1024

_AUTHORITY = re.compile(r"[^/?#]*")


def size_bytes(text: str) -> int:
    """The bytes of ``text`` in UTF-8, as the database counts; lone surrogates count as well."""
    return len(text.encode("utf-8", "surrogatepass"))


def host_and_port(url: str) -> str:
    """Host and port as written in an absolute URL, without user and password."""
    found = _AUTHORITY.match(url.partition("://")[2])
    assert found is not None, "it matches the empty text"
    return found[0].rpartition("@")[2]


def has_overlong_host(url: str) -> bool:
    """Whether the host of ``url`` is too long. Check this before reading it more closely."""
    return is_overlong(host_and_port(url))


def is_overlong(host_and_port: str) -> bool:
    """Whether the host in ``host_and_port`` is too long."""
    bracketed = host_and_port.startswith("[")
    host = host_and_port[1:].partition("]")[0] if bracketed else host_and_port.partition(":")[0]
    return len(host) > MAX_HOST_CHARACTERS
