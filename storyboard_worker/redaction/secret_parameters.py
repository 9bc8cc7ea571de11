"""Parameters whose value lets somebody in, found by their names in every cloud.

``sig=…``, ``X-Amz-Signature=…``, ``hdnts=…``: each has names of its own, but they are made of the
same few words. Looked for wherever they stand, not only in whole URLs: upstreams repeat pieces of
what they were sent, quoted once or twice over, in JSON or in HTML.

The time is linear: a name is matched once, from its beginning; its value is read only to be left
out; and whether a value looks like a secret is seen from its first characters.
"""

import re
from enum import Enum, auto
from functools import lru_cache

REDACTED = "[redacted]"

# As they are quoted: per cent, also more than once; in JSON; in HTML.
_EQUALS = r"(?:=|%(?:25){0,4}3D|\\u003d|&\#(?:61|x3d);)"
_QUERY_BEFORE = r"(?:%(?:25){0,4}(?:3F|26)|\\u00(?:3f|26)|&(?:amp|\#38|\#x26);|[?&])"
_ESCAPE_BEFORE = r"(?:%(?:25){0,4}[0-9A-F]{2}|\\u00[0-9a-f]{2}|\\x[0-9a-f]{2}|\\[nrt])"
_IN_NAME = "[A-Za-z0-9_-]"
# What follows a name is looked at, not taken: it may stand in front of the next.
_NAME = re.compile(
    rf"(?:(?P<in_query>{_QUERY_BEFORE})|{_ESCAPE_BEFORE}|(?<!{_IN_NAME}))"
    rf"(?P<name>{_IN_NAME}++)(?=(?P<equals>{_EQUALS}))",
    re.IGNORECASE,
)
_VALUE = re.compile(r"""[^\s"<>\\&;]+""")
_BEGINS_VALUE = re.compile(r"""[^\s"<>\\&;]""")
_ENCODED = re.compile(r"(?:[A-Za-z0-9+/_.~=-]|%[0-9A-Fa-f]{2}){16,64}")
# No name of a secret is longer; what is, may end like one.
_MOST_NAME_CHARACTERS = 64
# Where a new word begins in aName.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# The last word of a name: any value goes.
SECRET_WORDS = frozenset(
    {
        *("sig", "signature", "token", "secret", "password", "passwd", "pwd", "hmac", "jwt"),
        *("credential", "credentials", "apikey", "ak", "hdnts", "hdnea", "hdntl"),
    }
)
SECRET_ENDINGS = (
    *("access-id", "access-key", "access-key-id", "account-key", "api-key", "auth-key"),
    *("secret-key", "accesskey", "accesskeyid"),
)
# These mean other things as well, and so do names of one or two letters.
DOUBTFUL_WORDS = frozenset({"auth", "authorization", "policy"})
DOUBTFUL_WORDS_IN_QUERY = frozenset({"code", "digest", "hash", "key", "md5", "sign", "verify"})
MOST_SHORT_CHARACTERS = 2


class Meaning(Enum):
    """What a name says of its value: it goes; or if it looks like a secret; or if it does and
    stands in a query besides; or it stays."""

    SECRET = auto()
    DOUBTFUL = auto()
    DOUBTFUL_IN_QUERY = auto()
    PLAIN = auto()


def may_hold_assignment(text: str) -> bool:
    """Nearly every text has none, and to see that costs less than to search."""
    return "=" in text or "3d" in text or "3D" in text or "&#61" in text


def holds_secret(text: str) -> bool:
    """Whether a parameter in ``text`` hides a secret."""
    return any(_hides_secret(name, text) for name in _NAME.finditer(text))


def without_secrets(text: str) -> str:
    """``text`` with the values of such parameters left out; names stay, so that it can be read."""
    kept, goes_on_at = [], 0
    for name in _NAME.finditer(text):
        if name.start() < goes_on_at or not _hides_secret(name, text):
            continue
        value_at = name.end("equals")
        kept += [text[goes_on_at:value_at], REDACTED]
        goes_on_at = _end_of_value(text, value_at)
    return "".join([*kept, text[goes_on_at:]])


def _end_of_value(text: str, at: int) -> int:
    value = _VALUE.match(text, at)
    return at if value is None else value.end()


def _hides_secret(name: re.Match[str], text: str) -> bool:
    value_at = name.end("equals")
    if _BEGINS_VALUE.match(text, value_at) is None:
        return False
    match _meaning_of(name["name"][-_MOST_NAME_CHARACTERS:]):
        case Meaning.SECRET:
            return True
        case Meaning.DOUBTFUL:
            return _looks_secret(text, value_at)
        case Meaning.DOUBTFUL_IN_QUERY:
            return name["in_query"] is not None and _looks_secret(text, value_at)
        case _:
            return False


# The same few names come again and again.
@lru_cache(maxsize=1024)
def _meaning_of(name: str) -> Meaning:
    words = _words(name)
    if _names_secret(words) or _names_secret(_words(_HUMP.sub("-", name))):
        return Meaning.SECRET
    last = words[-1] if words else ""
    if last in DOUBTFUL_WORDS:
        return Meaning.DOUBTFUL
    if last in DOUBTFUL_WORDS_IN_QUERY or len(name) <= MOST_SHORT_CHARACTERS:
        return Meaning.DOUBTFUL_IN_QUERY
    return Meaning.PLAIN


def _words(name: str) -> list[str]:
    return [word for word in re.split("[-_]", name.lower()) if word]


def _names_secret(words: list[str]) -> bool:
    return bool(words) and (words[-1] in SECRET_WORDS or "-".join(words).endswith(SECRET_ENDINGS))


def _looks_secret(text: str, at: int) -> bool:
    """Whether it begins long, and as only chance writes: with digits or both cases mixed."""
    encoded = _ENCODED.match(text, at)
    if encoded is None:
        return False
    kinds = [str.isdigit, str.islower, str.isupper]
    return sum(any(map(kind, encoded[0])) for kind in kinds) > 1
