"""Pages with the headers that all of them carry, and the errors of their handlers."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from storyboard_worker.errors import DatabaseUnavailable, RowsHidden, SchemaOutdated
from storyboard_worker.web.board.access import Access, TooManyGuesses
from storyboard_worker.web.board.door import Crowded, Door
from storyboard_worker.web.board.forms import FormRefused
from storyboard_worker.web.board.pictures import Pictures
from storyboard_worker.web.board.rendering import render
from storyboard_worker.web.board.sessions import Session
from storyboard_worker.web.board.wanted import address
from storyboard_worker.web.board.wording import wording_for
from storyboard_worker.web.texts.catalogue import Language
from storyboard_worker.web.texts.choice import PARAMETER, mark_language, texts_for

SEE_OTHER = 303
HTML = "text/html; charset=utf-8"
# Each language as its readers call it.
OWN_NAMES = {Language.ENGLISH: "English", Language.CHINESE: "简体中文"}
# What passes by itself or with the database, and the text that tells it.
AWAY: dict[type[Exception], str] = {
    Crowded: "problem.crowded",
    RowsHidden: "problem.rows_hidden",
    DatabaseUnavailable: "problem.database_away",
    SchemaOutdated: "problem.not_migrated",
}
PageHandler = Callable[..., Response]

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def policy(picture_origins: Iterable[str]) -> str:
    """The content security policy: nothing but our own files, and pictures of the CDN."""
    rules = {
        "default-src": "'none'",
        "img-src": " ".join(("'self'", "data:", *picture_origins)),
        "style-src": "'self'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


class Pages:
    """Answers with filled templates."""

    def __init__(self, access: Access, pictures: Pictures, door: Door) -> None:
        self.access = access
        self.door = door
        self.pictures = pictures

    def answer(
        self,
        request: Request,
        name: str,
        status: int = 200,
        *,
        picture_urls: Iterable[str | None] | None = None,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """The template ``name`` with ``values``.

        It may load the pictures ``picture_urls`` and others from where such pictures lie; with
        ``None`` it may load none.
        """
        wording = wording_for(request)
        origins = [] if picture_urls is None else self.pictures.origins(picture_urls)
        layout = {
            "language_pairs": wording.pairs,
            "languages": _languages(request),
            "picture_origins": origins,
        }
        html = render(name, wording.text, **self.values(request), **layout, **values)
        response = Response(html, status, {**HEADERS, **(headers or {})}, content_type=HTML)
        response.headers["Content-Security-Policy"] = policy(origins)
        response.vary.add("Cookie")
        return mark_language(response, request)

    def values(self, request: Request) -> dict[str, Any]:
        """What every template may use beside its text."""
        wording = wording_for(request)
        return {
            "link": wording.link,
            "session": self.access.session(request),
            "picture_is_shown": self.pictures.is_shown,
        }

    def go_to(self, request: Request, path: str, **pairs: str) -> Response:
        """Leads a browser on after a post, so that going back does not post again."""
        return self.lead_to(address(path, {**pairs, **wording_for(request).pairs}))

    def lead_to(self, target: str) -> Response:
        """Like :meth:`go_to`, for a whole address of our own."""
        response = Response("", SEE_OTHER, {**HEADERS, "Location": target})
        response.autocorrect_location_header = False
        response.headers["Content-Security-Policy"] = policy(())
        return response

    def problem(self, request: Request, status: int, key: str, **more: Any) -> Response:
        """A page that tells what is wrong; ``key`` is its text."""
        return self.answer(request, "problem.html", status, key=key, **more)

    def sign_in_form(
        self, request: Request, status: int = 401, *, wrong: bool = False, seconds: float = 0
    ) -> Response:
        """The form, which leads back to what was asked for. ``seconds``: to wait before a try."""
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004
        if seconds:
            headers["Retry-After"] = str(int(seconds) + 1)
        return self.answer(
            request,
            "sign_in.html",
            status,
            headers=headers,
            wrong=wrong,
            wait_seconds=int(seconds) + 1 if seconds else 0,
            to=request.values.get("to", "") or _asked_for(request),
        )

    def signed_in(self, handler: PageHandler) -> PageHandler:
        """``handler`` for those who are signed in: it gets the session after the request."""

        def enter(request: Request, session: Session, **parts: Any) -> Response:
            with self.door.inside():
                return handler(request, session, **parts)

        @functools.wraps(handler)
        def handle(request: Request, **parts: Any) -> Response:
            session = self.access.session(request)
            if session is None:
                return self.sign_in_form(request)
            return self.guarded(enter)(request, session, **parts)

        return handle

    def guarded(self, handler: PageHandler) -> PageHandler:
        """``handler`` whose errors become pages."""

        @functools.wraps(handler)
        def handle(request: Request, *found: Session, **parts: Any) -> Response:
            try:
                return handler(request, *found, **parts)
            except FormRefused as error:
                return self.problem(request, error.status, error.key)
            except TooManyGuesses as error:
                return self.sign_in_form(
                    request, 429, wrong=error.is_known_wrong, seconds=error.seconds
                )
            except tuple(AWAY) as error:
                key = next(text for kind, text in AWAY.items() if isinstance(error, kind))
                return self.problem(request, 503, key, headers={"Retry-After": "10"})

        return handle


def _asked_for(request: Request) -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


def _languages(request: Request) -> list[tuple[str, str, str]]:
    """The other languages: tag, own name, address of this page in it."""
    asked = texts_for(request).language
    pairs = {name: value for name, value in request.args.items() if name != PARAMETER}
    path = request.path if request.method == "GET" else "/"
    return [
        (language.tag, OWN_NAMES[language], address(path, {**pairs, PARAMETER: str(language)}))
        for language in OWN_NAMES
        if language is not asked
    ]
