"""Removes secrets from texts: the queries of signed URLs, and known secrets.

It is applied wherever a text leaves the worker: log lines, error messages, Sentry events,
breadcrumbs and spans.

The texts come from outside, and ``re`` holds the interpreter while it searches. So the time must
grow no faster than the length of the text, whatever it holds. An expression that can fail at the
end of a long run would try again from each place in that run. So each expression here matches
wherever its first characters are found, and the search goes on behind the match. Code then decides
whether the match is removed.
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
# A longer text is not worth reading in a log or an event. The rest is left out unread.
MAX_CHARACTERS = 64 * 1024
LEFT_OUT = "… (cut)"

# A URL ends at white space or at a character that no URL may hold. A single quote does not end it,
# because a query may hold one. Nor does a character that JSON has escaped.
_IN_URL = r"""(?:[^\s"<>\\]|\\u00[0-9a-fA-F]{2})"""
# The URL after its scheme, whatever that is. Its query and its user-info are removed.
_AFTER_SCHEME = re.compile(rf"://{_IN_URL}*")
_USER_INFO = re.compile(r"""://[^/\s"<>\\]*@""")
# A bare query, as in request lines and in messages cut from a URL. It is removed if it is signed.
_QUERY = re.compile(rf"\?{_IN_URL}*")
# A signature in the path, in the form of Cloudinary and others.
_IN_PATH = re.compile(
    r"(?:(?<![A-Za-z0-9_-])|(?<=%2[Ff]))s--[A-Za-z0-9_-]{4,64}?--(?![A-Za-z0-9_-])"
)
PATH_REDACTED = f"s--{REDACTED}--"
# All up to the last place where another URL may begin.
_BEFORE_LAST_URL = re.compile(r"""(?:.*[\s"<>\\])?""", re.DOTALL)


def without_query(url: str) -> str:
    """Scheme, host and path of ``url``: the part of a signed URL that may be shown.

    A signature in the path is removed as well.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _clean_path(_before_query(url))
    authority, slash, path = _before_query(rest).partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{_clean_path(path)}"


class Redactor:
    """Removes the queries of URLs and known ``secrets`` from texts and from structures of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, so that a secret that contains another one is removed as a whole. Very
        # short ones would match in ordinary words.
        found = {secret for secret in secrets if len(secret) >= MIN_SECRET_CHARACTERS}
        alternatives = "|".join(re.escape(s) for s in sorted(found, key=len, reverse=True))
        self._secrets = re.compile(alternatives) if alternatives else None
        self._longest = max(map(len, found), default=0)

    def text(self, text: str) -> str:
        """``text`` without secrets. Of one above :data:`MAX_CHARACTERS` only the beginning."""
        if len(text) > MAX_CHARACTERS:
            return self._whole(text[: self._harmless_end(text)]) + LEFT_OUT
        return self._whole(text)

    def _whole(self, text: str) -> str:
        # Most texts hold none of these, and this test costs less than a search.
        may_be_signed = may_hold_assignment(text)
        if may_be_signed:
            text = _QUERY.sub(_unless_signed, text)
        if "://" in text:
            if "?" in text or "#" in text:
                text = _AFTER_SCHEME.sub(lambda match: _before_query(match[0]), text)
            if "@" in text:
                text = _USER_INFO.sub("://", text)
        text = _clean_path(text)
        return self._secrets.sub(REDACTED, text) if self._secrets else text

    def _harmless_end(self, text: str) -> int:
        """Where to cut ``text`` without leaving half of a URL or of a known secret.

        Half a URL or secret would not be recognised any more.
        """
        end = _between_urls(text, MAX_CHARACTERS)
        if self._secrets:
            # A secret that begins before the cut is whole in this text.
            beginning = text[: MAX_CHARACTERS + self._longest]
            for secret in reversed(list(self._secrets.finditer(beginning))):
                if secret.start() < end < secret.end():
                    end = _between_urls(text, secret.start())
        return end

    def structure(self, value: Any) -> Any:
        """``value`` without secrets in any string inside it, keys included."""
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
    """A path, or any text, without signatures and secret parameters."""
    if "s--" in text:
        text = _IN_PATH.sub(PATH_REDACTED, text)
    return without_secrets(text) if may_hold_assignment(text) else text


def _unless_signed(query: re.Match[str]) -> str:
    return "" if holds_secret(query[0]) else query[0]


def _between_urls(text: str, limit: int) -> int:
    """The last place before ``limit`` that is outside of every URL."""
    before = _BEFORE_LAST_URL.match(text, 0, limit)
    assert before is not None
    return before.end()
