"""The image route: what a page's ``<img>`` points at.

It leads to the row's picture where there is one, and answers a placeholder otherwise. A page of
any origin may show it. It tells nothing but what the placeholder says.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.errors import DatabaseUnavailable, RowsHidden, SchemaOutdated
from storyboard_worker.queries.pictures import Shown
from storyboard_worker.web.application import route
from storyboard_worker.web.picture.delivery import transformed, within
from storyboard_worker.web.picture.placeholder import POLICY, Words, placeholder
from storyboard_worker.web.picture.size import pixels, size_of
from storyboard_worker.web.picture.symbols import State
from storyboard_worker.web.texts.catalogue import Texts
from storyboard_worker.web.texts.choice import mark_language, texts_for

PATH = "/api/storyboards/<storyboard_id>/image"
UUID_FORM = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# With these characters no header can be broken.
LINK = re.compile(r"https?://[!-~]+")
AGAIN_SECONDS = 3
# The states that end by themselves.
PASSING = frozenset({State.PENDING, State.PROCESSING, State.UNAVAILABLE})
STATUS = {State.UNKNOWN: 404, State.UNAVAILABLE: 503}
# Scripts of other origins may read when to ask again, and images of other origins are shown.
SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class PictureImage:
    """``look`` gives what the view shows of a row, or ``None``. ``delivery``: a transformation of
    Cloudinary for each picture."""

    def __init__(self, look: Callable[[UUID], Shown | None], *, delivery: str | None) -> None:
        self._look = look
        self._delivery = delivery

    def routes(self) -> list[Rule]:
        return [route(PATH, self.show, "GET")]

    def show(self, request: Request, storyboard_id: str) -> Response:
        try:
            shown = self._find(storyboard_id)
        except (DatabaseUnavailable, RowsHidden, SchemaOutdated):
            return _drawn(request, State.UNAVAILABLE, _words_without_row)
        return self.answer(request, shown)

    def answer(self, request: Request, shown: Shown | None) -> Response:
        """For what is known of the row. Of ``request`` only the query and the language count."""
        if shown is None:
            return _drawn(request, State.UNKNOWN, _words_without_row)
        if shown.picture_url is not None and _leads_somewhere(shown.picture_url):
            return self._lead(request, shown.picture_url)
        message = shown.message
        return _drawn(
            request,
            State(shown.status),
            lambda state, text: _words(state, text, text.of_view(message)),
        )

    def _find(self, storyboard_id: str) -> Shown | None:
        if not UUID_FORM.fullmatch(storyboard_id):
            return None
        return self._look(UUID(storyboard_id))

    def _lead(self, request: Request, picture_url: str) -> Response:
        width = pixels(request.args.get("w"))
        fit = None if width is None else within(width)
        location = transformed(picture_url, fit, self._delivery)
        # Asked anew each time, since another picture may be ready. The picture itself stays in
        # the browser's cache, because its URL has a version.
        headers = {**SHARED, "Location": location, "Cache-Control": "no-cache"}
        return Response(status=302, headers=headers)


def _leads_somewhere(url: str) -> bool:
    """Whether a browser can follow it. A producer may have written it."""
    if LINK.fullmatch(url) is None:
        return False
    try:
        # The port is read only when it is asked for.
        host, port = (parts := urlsplit(url)).hostname, parts.port
    except ValueError:
        return False
    return host is not None and port != 0


def _drawn(request: Request, state: State, words_of: Callable[[State, Texts], Words]) -> Response:
    headers = {
        **SHARED,
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    if state in PASSING:
        headers["Retry-After"] = str(AGAIN_SECONDS)
    image = placeholder(state, words_of(state, texts_for(request)), size_of(request.args))
    response = Response(image, STATUS.get(state, 200), headers, mimetype="image/svg+xml")
    return mark_language(response, request)


def _words_without_row(state: State, text: Texts) -> Words:
    if state is State.UNKNOWN:
        return _words(state, text, text("placeholder.no_such_storyboard"))
    return _words(state, text, text("placeholder.try_again_soon"))


def _words(state: State, text: Texts, message: str) -> Words:
    name = text(f"state.{state}")
    description = text("placeholder.description", state=name)
    return Words(text.language.tag, name, message, description)
