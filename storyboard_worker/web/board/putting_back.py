"""«Retry» for a cause or a filter."""

import re
from collections.abc import Mapping

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.queries.board.places import Place
from storyboard_worker.web.application import route
from storyboard_worker.web.board.exact_filter import failed_panels
from storyboard_worker.web.board.forms import FIELD, FormRefused, checked_form
from storyboard_worker.web.board.pages import Pages
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.sessions import Session
from storyboard_worker.web.board.wanted import Wanted

PATH = "/retry"
# What its form holds beside the filter.
FIELDS = {FIELD, "done", "since"}


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
        return self._confirmation(request, failed_panels(request))

    def do(self, request: Request, session: Session) -> Response:
        """Retries as many as can be done in some seconds. Asks again if more are left.

        The filter stands in the address, because browsers change line breaks in the fields of a
        form.
        """
        form = checked_form(request, session)
        if not form.keys() <= FIELDS:
            # A form of before, with its filter in other fields.
            raise FormRefused(400, "problem.old_form")
        wanted, since, done = failed_panels(request), _since(form), _done(form)
        retried = self._reads.retry_all(wanted.which, since)
        done += retried.count
        if retried.rest is not None:
            return self._confirmation(request, wanted, done, retried.rest)
        return self._pages.go_to(request, "/", notice="retried", count=str(done))

    def _confirmation(
        self, request: Request, wanted: Wanted, done: int = 0, since: Place | None = None
    ) -> Response:
        page = self._reads.page(wanted if since is None else wanted.at(older=since))
        return self._pages.answer(
            request,
            "retry.html",
            picture_urls=[panel.picture_url for panel in page.panels],
            page=page,
            now=self._reads.summary().moment,
            wanted=wanted,
            done=done,
            since=since,
        )


def _since(form: Mapping[str, str]) -> Place | None:
    """Where the press before stopped. To begin anew would retry some rows twice."""
    raw = form.get("since")
    if raw is None:
        return None
    place = Place.read(raw)
    if place is None:
        raise FormRefused(400, "problem.old_form")
    return place


def _done(form: Mapping[str, str]) -> int:
    raw = form.get("done", "0")
    if not re.fullmatch("[0-9]{1,9}", raw):
        raise FormRefused(400, "problem.old_form")
    return int(raw)
