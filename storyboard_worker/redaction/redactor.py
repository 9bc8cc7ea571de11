"""Nothing secret leaves: signed URLs lose their query, known secrets their text.

Applied at every way out: log lines, error messages, Sentry events, breadcrumbs and spans.

The texts are foreign, and ``re`` holds the interpreter while it searches: whatever a text holds,
the time it takes grows with its length and no faster. So each expression here matches wherever its
first characters stand, and goes on behind its match; whether that is to go is decided afterwards.
An expression that may fail at the end of a long run tries again from each place in that run.
"""

import re
from collections.abc import Iterable
from typing import Any

from storyboard_worker.redaction.secret_parameters import (
    REDACTED,
    holds_secret,
    may_hold_assignment,
    without_secrets,
)

MIN_SECRET_CHARACTERS = 6
# No longer text is worth reading in a log or an event. What follows is left out unread.
MAX_CHARACTERS = 64 * 1024
LEFT_OUT = "… (cut)"

# A URL ends at white space or at what no URL may hold. A single quote is not among these: a query
# may hold one; nor is a character that JSON has escaped.
_IN_URL = r"""(?:[^\s"<>\\]|\\u00[0-9a-fA-F]{2})"""
# What follows the scheme of a URL, whatever that is. Its query goes, and its user-info.
_AFTER_SCHEME = re.compile(rf"://{_IN_URL}*")
_USER_INFO = re.compile(r"""://[^/\s"<>\\]*@""")
# A bare query, as it stands in request lines and in messages cut from a URL; gone if it is signed.
_QUERY = re.compile(rf"\?{_IN_URL}*")
# A signature in the path, as Cloudinary and others write it.
_IN_PATH = re.compile(
    r"(?:(?<![A-Za-z0-9_-])|(?<=%2[Ff]))s--[A-Za-z0-9_-]{4,64}?--(?![A-Za-z0-9_-])"
)
PATH_REDACTED = f"s--{REDACTED}--"
# Up to the last place where a URL that follows may begin.
_BEFORE_LAST_URL = re.compile(r"""(?:.*[\s"<>\\])?""", re.DOTALL)


def without_query(url: str) -> str:
    """Scheme, host and path of ``url``: what may be shown of a signed URL.

    A signature that stands in the path goes, too.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _clean_path(_before_query(url))
    authority, slash, path = _before_query(rest).partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{_clean_path(path)}"


class Redactor:
    """Cleans text, and whole structures of text, of URLs' queries and of known secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, so that a secret that contains another one goes as a whole. Very
        # short ones would blot out ordinary words.
        found = {secret for secret in secrets if len(secret) >= MIN_SECRET_CHARACTERS}
        alternatives = "|".join(re.escape(s) for s in sorted(found, key=len, reverse=True))
        self._secrets = re.compile(alternatives) if alternatives else None
        self._longest = max(map(len, found), default=0)

    def text(self, text: str) -> str:
        """``text`` cleaned; of one longer than :data:`MAX_CHARACTERS` only the beginning."""
        if len(text) > MAX_CHARACTERS:
            return self._whole(text[: self._harmless_end(text)]) + LEFT_OUT
        return self._whole(text)

    def _whole(self, text: str) -> str:
        # Nearly every text has nothing of these, and to see that costs less than to search.
        may_be_signed = may_hold_assignment(text)
        if may_be_signed:
            text = _QUERY.sub(_unless_signed, text)
        if "://" in text:
            text = _AFTER_SCHEME.sub(lambda match: _before_query(match[0]), text)
            text = _USER_INFO.sub("://", text)
        text = _clean_path(text)
        return self._secrets.sub(REDACTED, text) if self._secrets else text

    def _harmless_end(self, text: str) -> int:
        """Where to cut so that no half of a URL or of a known secret is left, which would not be
        recognised any more."""
        end = _between_urls(text, MAX_CHARACTERS)
        if self._secrets:
            # One that begins before the cut is whole in this.
            beginning = text[: MAX_CHARACTERS + self._longest]
            for secret in reversed(list(self._secrets.finditer(beginning))):
                if secret.start() < end < secret.end():
                    end = _between_urls(text, secret.start())
        return end

    def structure(self, value: Any) -> Any:
        """``value`` with every string inside it, keys included, cleaned."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.structure(key): self.structure(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.structure(item) for item in value]
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        return value


def _before_query(url: str) -> str:
    return re.split(r"[?#]", url, maxsplit=1)[0]


def _clean_path(text: str) -> str:
    """Of a path, or of any text: without what else is signed."""
    if "s--" in text:
        text = _IN_PATH.sub(PATH_REDACTED, text)
    return without_secrets(text) if may_hold_assignment(text) else text


def _unless_signed(query: re.Match[str]) -> str:
    return "" if holds_secret(query[0]) else query[0]


def _between_urls(text: str, limit: int) -> int:
    """The last place before ``limit`` that is inside of no URL."""
    before = _BEFORE_LAST_URL.match(text, 0, limit)
    assert before is not None
    return before.end()
