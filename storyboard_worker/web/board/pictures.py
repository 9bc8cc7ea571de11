"""Where the pictures of panels lie, and small ones of them."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from storyboard_worker.settings.cloudinary import DEFAULT_UPLOAD_PREFIX, CloudinarySettings
from storyboard_worker.web.picture.delivery import transformed

CDN = "https://res.cloudinary.com"
# As large as a card at twice its density of pixels.
THUMBNAIL = "c_fill,w_480,h_270,f_auto,q_auto"
PREVIEW = "c_limit,w_1280,f_auto,q_auto"
# What a content security policy may hold without quoting.
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class Pictures:
    """``account`` tells on which hosts Cloudinary may deliver."""

    def __init__(self, account: CloudinarySettings | None) -> None:
        self._known = {CDN}
        self._lately: set[str] = set()
        if account is not None and account.upload_prefix != DEFAULT_UPLOAD_PREFIX:
            # A private API host, or a stand-in, delivers by itself.
            self._known |= _origins([account.upload_prefix])

    def expect_more_like(self, urls: Iterable[str]) -> None:
        """Pages may load pictures from where ``urls`` lie, until the next call.

        These are the newest pictures: those that become ready under an open page lie there too.
        """
        self._lately = _safe_origins(urls)

    def origins(self, urls: Iterable[str | None]) -> list[str]:
        """The origins that a page with the pictures ``urls`` may load pictures from.

        An account may deliver on a host of its own, which only the pictures' addresses tell. Such
        a host counts with https alone.
        """
        found = _safe_origins(url for url in urls if url is not None)
        return sorted(self._known | self._lately | found)

    def is_shown(self, url: str | None) -> bool:
        """Whether a page may load this picture."""
        return url is not None and _origin(url) in self.origins([url])


def thumbnail(url: str) -> str:
    """A small picture, cut to 16:9."""
    return transformed(url, THUMBNAIL)


def preview(url: str) -> str:
    """A picture for a whole page, not cut."""
    return transformed(url, PREVIEW)


def _origins(urls: Iterable[str]) -> set[str]:
    return {origin for origin in map(_origin, urls) if origin is not None}


def _safe_origins(urls: Iterable[str]) -> set[str]:
    return {origin for origin in _origins(urls) if origin.startswith("https:")}


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin if ORIGIN.fullmatch(origin) else None
