"""How long what producers write may be: the table's CHECKs in Python, and the parts of a URL that
they measure.

Nothing that works is longer. Stores and servers refuse request lines far below 16 KB, and no name
of 254 characters can be in DNS (RFC 1035, section 2.3.4).
"""

import re

MAX_URL_BYTES = 16 * 1024
MAX_HOST_CHARACTERS = 253
# It stands in an index, whose entries have room for 2,704 bytes, next to a position.
MAX_PROJECT_BYTES = 1024


def size_bytes(text: str) -> int:
    """In UTF-8, as the database counts; also of text that UTF-8 has no form for."""
    return len(text.encode("utf-8", "surrogatepass"))


def host_and_port(url: str) -> str:
    """As they stand in an absolute URL, without user and password."""
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    return authority.rpartition("@")[2]


def has_overlong_host(url: str) -> bool:
    """Whether its host alone is too long: looked at before anything reads it more closely."""
    found = host_and_port(url)
    bracketed = found.startswith("[")
    host = found[1:].partition("]")[0] if bracketed else found.partition(":")[0]
    return len(host) > MAX_HOST_CHARACTERS
