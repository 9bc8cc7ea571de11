"""The first page: whether all is well, why rows failed, and the panels."""

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.errors import ErrorCode
from storyboard_worker.storyboard import Status
from storyboard_worker.web.application import route
from storyboard_worker.web.board.cards import grouped
from storyboard_worker.web.board.notices import notice_of
from storyboard_worker.web.board.overview import Overviews
from storyboard_worker.web.board.pages import Pages
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.sessions import Session
from storyboard_worker.web.board.wanted import wanted_by


class Gallery:
    def __init__(self, pages: Pages, reads: BoardReads, overviews: Overviews) -> None:
        self._pages = pages
        self._reads = reads
        self._overviews = overviews

    def routes(self) -> list[Rule]:
        return [route("/", self._pages.signed_in(self.show), "GET")]

    def show(self, request: Request, _session: Session) -> Response:
        wanted = wanted_by(request.args)
        page = self._reads.page(wanted)
        return self._pages.answer(
            request,
            "gallery.html",
            picture_urls=[panel.picture_url for panel in page.panels],
            wanted=wanted,
            chosen_state=wanted.which.state,
            shows_causes=wanted.shows_causes,
            page=page,
            groups=grouped(page.panels),
            states=list(Status),
            codes=list(ErrorCode),
            notice=notice_of(request.args),
            **self._overviews.latest().values,
        )
