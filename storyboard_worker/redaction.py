"""Nothing secret leaves: signed URLs lose their query, known secrets their text.

Applied at every way out: log lines, error messages, Sentry events, breadcrumbs and spans.
"""

import re
from collections.abc import Iterable
from typing import Any

REDACTED = "[redacted]"
MIN_SECRET_CHARACTERS = 6

# Whatever looks like a URL, up to white space or what no URL may hold. A single quote is not
# among these: a query may hold one. User-info goes as well as the query.
_URL = re.compile(r"""\b([a-z][a-z0-9+.-]*://)([^\s"<>\\]*)""", re.IGNORECASE)
# A bare query of a signed URL, as it stands in request lines and in messages cut from a URL.
_SIGNED_QUERY = re.compile(
    r"""\?[^\s"<>\\]*\b(?:X-(?:Tos|Amz|Goog)-|signature=|token=)[^\s"<>\\]*""", re.IGNORECASE
)
# No word boundary in front: in a URL that is quoted as a whole it follows «%3F» or «%26».
_SIGNED_PARAMETER = re.compile(
    r"""X-(?:Tos|Amz|Goog)-[A-Za-z-]+(?:=|%3D)[^\s"<>\\&]*""", re.IGNORECASE
)


def without_query(url: str) -> str:
    """Scheme, host and path of ``url``: what may be shown of a signed URL."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return re.split(r"[?#]", url, maxsplit=1)[0]
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


class Redactor:
    """Cleans text, and whole structures of text, of URLs' queries and of known secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, so that a secret that contains another one goes as a whole. Very
        # short ones would blot out ordinary words.
        found = {secret for secret in secrets if len(secret) >= MIN_SECRET_CHARACTERS}
        alternatives = "|".join(re.escape(s) for s in sorted(found, key=len, reverse=True))
        self._secrets = re.compile(alternatives) if alternatives else None

    def text(self, text: str) -> str:
        if "://" in text:
            text = _URL.sub(lambda match: without_query(match[0]), text)
        # Nearly every text has nothing of it, and to see that costs less than to search.
        if "=" in text or "%3" in text:
            text = _SIGNED_QUERY.sub("", text)
            text = _SIGNED_PARAMETER.sub(REDACTED, text)
        return self._secrets.sub(REDACTED, text) if self._secrets else text

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
