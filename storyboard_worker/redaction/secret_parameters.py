"""Finds parameters whose value grants access, by their names in every cloud.

Each cloud has its own names (``sig=…``, ``X-Amz-Signature=…``, ``hdnts=…``), made of the same few
words. They are found everywhere, not only in whole URLs, because upstreams repeat pieces of what
they were sent, quoted once or twice, in JSON or in HTML.

The time is linear. A name is matched once, from its beginning. Its value is read only to be left
out, and its first characters decide whether it looks like a secret.
"""

import re
from enum import Enum, auto
from functools import lru_cache

REDACTED = "[redacted]"

# The forms of quoting: percent-encoding, also more than once; JSON; HTML.
_EQUALS = r"(?:=|%(?:25){0,4}3D|\\u003d|&\#(?:61|x3d);)"
_QUERY_BEFORE = r"(?:%(?:25){0,4}(?:3F|26)|\\u00(?:3f|26)|&(?:amp|\#38|\#x26);|[?&])"
_ESCAPE_BEFORE = r"(?:%(?:25){0,4}[0-9A-F]{2}|\\u00[0-9a-f]{2}|\\x[0-9a-f]{2}|\\[nrt])"
_IN_NAME = "[A-Za-z0-9_-]"
# The characters after a name are not part of the match, because the next name may begin there.
_NAME = re.compile(
    rf"(?:(?P<in_query>{_QUERY_BEFORE})|{_ESCAPE_BEFORE}|(?<!{_IN_NAME}))"
    rf"(?P<name>{_IN_NAME}++)(?=(?P<equals>{_EQUALS}))",
    re.IGNORECASE,
)
_VALUE = re.compile(r"""[^\s"<>\\&;]+""")
_BEGINS_VALUE = re.compile(r"""[^\s"<>\\&;]""")
_ENCODED = re.compile(r"(?:[A-Za-z0-9+/_.~=-]|%[0-9A-Fa-f]{2}){16,64}")
# No name of a secret is longer. The end of a longer name may be one.
_MOST_NAME_CHARACTERS = 64
# Where a new word begins in aName.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# With such a last word in its name, any value is removed.
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
# These words have other meanings as well, and so do names of one or two letters.
DOUBTFUL_WORDS = frozenset({"auth", "authorization", "policy", "s"})
DOUBTFUL_WORDS_IN_QUERY = frozenset({"code", "digest", "hash", "key", "md5", "sign", "verify"})
MOST_SHORT_CHARACTERS = 2


class Meaning(Enum):
    """When the value of a name is removed: always; if it looks like a secret; if it does and is
    in a query; never."""

    SECRET = auto()
    DOUBTFUL = auto()
    DOUBTFUL_IN_QUERY = auto()
    PLAIN = auto()


def may_hold_assignment(text: str) -> bool:
    """Whether ``text`` may hold a parameter. Most do not, and this is cheaper than a search."""
    return "=" in text or "3d" in text or "3D" in text or "&#61" in text


def holds_secret(text: str) -> bool:
    """Whether a parameter in ``text`` hides a secret."""
    return any(_hides_secret(name, text) for name in _NAME.finditer(text))


def without_secrets(text: str) -> str:
    """``text`` without the values of such parameters. The names stay, to keep it readable."""
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


# Texts repeat the same few names.
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
    """Whether the value begins with a long random text: digits, small and capital letters mixed."""
    encoded = _ENCODED.match(text, at)
    if encoded is None:
        return False
    kinds = [str.isdigit, str.islower, str.isupper]
    return sum(any(map(kind, encoded[0])) for kind in kinds) > 1
