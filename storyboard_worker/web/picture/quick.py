"""Answers requests for images that need nothing but memory, in the server's own thread.

A page with many panels asks for all of them at once, and again. A request that goes through
parser, threads and router takes the interpreter from the claim loop for several times as long.
Whatever is unusual about a request is left to the usual way, which gives the same answer.
"""

import math
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from uuid import UUID

from werkzeug.wrappers import Request

from storyboard_worker.queries.pictures import Shown
from storyboard_worker.web.picture.image import PictureImage
from storyboard_worker.web.shared_reads import Recent, Soon

# A whole request, as browsers, proxies and clients send it.
REQUEST = re.compile(
    rb"GET /api/storyboards/(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/image"
    rb"(?:\?(?P<query>[!-\"$-~]{0,200}))? HTTP/1\.1\r\n"
    rb"(?:[!-9;-~]+:[\t -~\x80-\xff]*\r\n)*\r\n"
)
# The first leave a request to the usual way: a body may follow, or the connection may become
# another one.
HEADERS_THAT_COUNT = re.compile(
    rb"\r\n(?:(content-length|transfer-encoding|expect|upgrade):|accept-language:[\t ]*([^\r]*))",
    re.IGNORECASE,
)
# Together they bound what the prepared answers take up.
MOST_PREPARED = 1024
MOST_LANGUAGE_BYTES = 200


class QuickImages:
    """``recent`` gives what is remembered of a row, or was read after a moment."""

    def __init__(
        self, images: PictureImage, recent: Callable[[UUID, float], Recent[Shown] | Soon | None]
    ) -> None:
        self._images = images
        self._recent = recent
        self._prepared = lru_cache(MOST_PREPARED)(self._prepare)

    def __call__(self, data: bytes, came_at: float = math.inf) -> bytes | Soon | None:
        """The answer to the request in ``data``, or ``None`` if it has to go the usual way.

        What was read after ``came_at`` (monotonic) is good enough for it.
        """
        request = REQUEST.fullmatch(data)
        if request is None:
            return None
        counting = HEADERS_THAT_COUNT.findall(data)
        unusual, language = counting[0] if counting else (b"", None)
        if unusual or len(counting) > 1 or len(language or b"") > MOST_LANGUAGE_BYTES:
            return None
        recent = self._recent(UUID(request["id"].decode()), came_at)
        if not isinstance(recent, Recent):
            return recent
        head, body = self._prepared(recent.found, request["query"] or b"", language)
        return b"%b%b\r\n\r\n%b" % (head, _now(int(time.time())), body)

    def _prepare(
        self, shown: Shown | None, query: bytes, language: bytes | None
    ) -> tuple[bytes, bytes]:
        """The answer in two parts, with room for the moment between them."""
        environ = {"REQUEST_METHOD": "GET", "QUERY_STRING": query.decode("latin-1")}
        if language is not None:
            environ["HTTP_ACCEPT_LANGUAGE"] = language.decode("latin-1").strip()
        request = Request(environ)
        response = self._images.answer(request, shown)
        headers = [*response.get_wsgi_headers(environ), ("Connection", "close")]
        lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in headers)]
        return "".join(f"{line}\r\n" for line in lines).encode("latin-1"), response.get_data()


@lru_cache(2)
def _now(seconds: int) -> bytes:
    return b"Date: " + formatdate(seconds, usegmt=True).encode()
