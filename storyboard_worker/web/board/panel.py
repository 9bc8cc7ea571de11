"""The page of one panel: its life, its picture, its buttons."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.queries.board.lives import PanelLife
from storyboard_worker.storyboard import Status
from storyboard_worker.web.application import route
from storyboard_worker.web.board.forms import checked_form
from storyboard_worker.web.board.notices import notice_of
from storyboard_worker.web.board.pages import Pages
from storyboard_worker.web.board.processing import Processing
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.sessions import Session

PATH = "/panels/<uuid:storyboard_id>"


class PanelPage:
    """``sentry_url`` is the page of the project's issues in Sentry, if it is known."""

    def __init__(
        self, pages: Pages, reads: BoardReads, processing: Processing, sentry_url: str | None
    ) -> None:
        self._pages = pages
        self._reads = reads
        self._processing = processing
        self._sentry_url = sentry_url

    def routes(self) -> list[Rule]:
        signed_in = self._pages.signed_in
        return [
            route(PATH, signed_in(self.show), "GET"),
            route(f"{PATH}/retry", signed_in(self.retry), "POST", logged_as="board retry"),
            route(f"{PATH}/process", signed_in(self.process), "POST", logged_as="board process"),
        ]

    def show(self, request: Request, _session: Session, storyboard_id: UUID) -> Response:
        life = self._reads.life(storyboard_id)
        if life is None:
            return self._pages.problem(request, 404, "problem.no_panel")
        return self._pages.answer(
            request,
            "panel.html",
            picture_urls=[life.panel.picture_url],
            notice=notice_of(request.args),
            **self.values(life),
        )

    def values(self, life: PanelLife) -> dict[str, Any]:
        """The values of ``_life.html``."""
        panel = life.panel
        return {
            "panel": panel,
            "moments": life.moments,
            "now": life.now,
            "may_process": panel.state not in (Status.READY, Status.PROCESSING),
            "sentry_link": self.sentry_link,
        }

    def sentry_link(self, event_id: str | None) -> str | None:
        """Where Sentry shows the event, if its address is known."""
        if event_id is None or self._sentry_url is None:
            return None
        separator = "&" if "?" in self._sentry_url else "?"
        return f"{self._sentry_url}{separator}{urlencode({'query': event_id})}"

    def retry(self, request: Request, session: Session, storyboard_id: UUID) -> Response:
        checked_form(request, session)
        notice = "retried" if self._reads.retry(storyboard_id) else "not_failed"
        return self._pages.go_to(request, f"/panels/{storyboard_id}", notice=notice)

    def process(self, request: Request, session: Session, storyboard_id: UUID) -> Response:
        """Begins at once; the page that follows shows how it goes on."""
        checked_form(request, session)
        begun = self._processing.begin(storyboard_id)
        return self._pages.go_to(request, f"/panels/{storyboard_id}", notice=begun)
