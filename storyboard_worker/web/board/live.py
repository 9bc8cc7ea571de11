"""What an open page asks every few seconds: which of its parts have changed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.queries.board.changes import Top
from storyboard_worker.queries.board.panels import Panel
from storyboard_worker.queries.board.places import Place
from storyboard_worker.web.answers import answer, problem, retry_later
from storyboard_worker.web.application import route
from storyboard_worker.web.board.cards import name_of, shown_by
from storyboard_worker.web.board.door import Crowded
from storyboard_worker.web.board.overview import Overviews
from storyboard_worker.web.board.pages import Pages
from storyboard_worker.web.board.panel import PanelPage
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.rendering import render
from storyboard_worker.web.board.wanted import wanted_by
from storyboard_worker.web.board.wording import wording_for
from storyboard_worker.web.texts.catalogue import Texts
from storyboard_worker.web.texts.choice import texts_for

# More than these are told as a number only.
MOST_TOLD = 3
AGAIN_SECONDS = 5.0


class Live:
    """Answers JSON: ``parts`` (HTML by the element's id, which it replaces), ``gone`` (ids of
    elements), ``newer`` (whether there are panels that the page does not show), and ``said`` (what
    a screen reader says of it, if anything)."""

    def __init__(
        self, pages: Pages, reads: BoardReads, overviews: Overviews, panel_page: PanelPage
    ) -> None:
        self._pages = pages
        self._reads = reads
        self._overviews = overviews
        self._panel_page = panel_page

    def routes(self) -> list[Rule]:
        return [
            route("/live", self._checked(self.of_gallery), "GET"),
            route("/panels/<uuid:storyboard_id>/live", self._checked(self.of_panel), "GET"),
        ]

    def _checked(self, handler: Callable[..., dict[str, Any]]) -> Callable[..., Response]:
        def handle(request: Request, **parts: Any) -> Response:
            if self._pages.access.session(request) is None:
                return problem(401, "sign in", {"WWW-Authenticate": "Bearer"})
            try:
                with self._pages.door.inside():
                    found = handler(request, **parts)
            except Crowded:
                return retry_later(503, "the board is crowded", after_seconds=AGAIN_SECONDS)
            return answer(found, headers={"Vary": "Cookie, Accept-Language"})

        return handle

    def of_gallery(self, request: Request) -> dict[str, Any]:
        """``?shown=`` is what the page shows, ``?newest=`` the place of its newest panel if it is
        the first page; the rest is the page's filter."""
        newest, wanted = request.args.get("newest"), wanted_by(request.args)
        top = None if newest is None else Top(wanted.which, _place(newest))
        changes = self._reads.changes(shown_by(request.args.get("shown", "")), top)
        wording, fill = wording_for(request), self._overviews.latest().fragments.fill
        shows_causes = top is not None and not wanted.is_narrowed
        chosen = {"chosen_state": wanted.which.state, "shows_causes": shows_causes}
        parts = {"overview": fill("_overview.html", wording, **chosen)}
        if shows_causes:
            parts["causes"] = fill("_causes.html", wording)
        for panel in changes.panels:
            parts[f"panel-{panel.id}"] = fill("_card.html", wording, panel=panel)
        return {
            "parts": parts,
            "gone": [f"panel-{id_}" for id_ in changes.gone],
            "newer": changes.has_newer,
            "said": _said(wording.text, changes.panels),
        }

    def of_panel(self, request: Request, storyboard_id: UUID) -> dict[str, Any]:
        """``?shown=`` is the version that the page shows."""
        shown = shown_by(request.args.get("shown", ""))
        changes = self._reads.changes(shown)
        parts, said = {}, ""
        if changes.panels:
            life = self._reads.life(storyboard_id)
            if life is not None:
                values = self._panel_page.values(life)
                text = texts_for(request)
                parts["life"] = render("_life.html", text, **self._pages.values(request), **values)
                said = _said(text, [life.panel])
        return {"parts": parts, "gone": ["life"] if changes.gone else [], "said": said}


def _place(raw: str) -> Place | None:
    return Place.read(raw) if raw else None


def _said(text: Texts, panels: list[Panel]) -> str:
    if not panels:
        return ""
    if len(panels) > MOST_TOLD:
        return text("live.many_changed", count=len(panels))
    return " ".join(
        text("live.changed", panel=name_of(text, panel), state=text(f"state.{panel.state}"))
        for panel in panels
    )
