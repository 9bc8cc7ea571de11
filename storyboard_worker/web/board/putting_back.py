"""«Retry» for a cause or a filter, and the retry route of programs."""

from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.queries.board.places import Place
from storyboard_worker.storyboard import Status
from storyboard_worker.web.application import route
from storyboard_worker.web.board.forms import checked_form
from storyboard_worker.web.board.pages import Pages
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.sessions import Session
from storyboard_worker.web.board.wanted import Wanted, wanted_by

PATH = "/retry"


class PuttingBack:
    def __init__(self, pages: Pages, reads: BoardReads) -> None:
        self._pages = pages
        self._reads = reads

    def routes(self) -> list[Rule]:
        signed_in = self._pages.signed_in
        return [
            route(PATH, signed_in(self.ask), "GET"),
            route(PATH, signed_in(self.do), "POST", logged_as="board retry"),
        ]

    def ask(self, request: Request, _session: Session) -> Response:
        """Shows what would be retried, and asks."""
        return self._confirmation(request, wanted_by(request.args))

    def do(self, request: Request, session: Session) -> Response:
        """Retries as many as can be done in some seconds. Asks again if more are left."""
        form = checked_form(request, session)
        wanted = wanted_by(form)
        retried = self._reads.retry_all(wanted.which, _place(form.get("since", "")))
        done = retried.count + _number(form.get("done", ""))
        if retried.rest is not None:
            return self._confirmation(request, wanted, done, retried.rest)
        return self._pages.go_to(request, "/", notice="retried", count=str(done))

    def _confirmation(
        self, request: Request, wanted: Wanted, done: int = 0, since: Place | None = None
    ) -> Response:
        failed = wanted_by({**wanted.pairs, "state": Status.FAILED})
        values: dict[str, Any] = {"wanted": failed, "done": done, "since": since}
        page = self._reads.page(failed if since is None else failed.at(older=since))
        return self._pages.answer(
            request,
            "retry.html",
            picture_urls=[panel.picture_url for panel in page.panels],
            page=page,
            now=self._reads.summary().moment,
            **values,
        )


def _place(raw: str) -> Place | None:
    return Place.read(raw) if raw else None


def _number(raw: str) -> int:
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) <= len("123456789") else 0
