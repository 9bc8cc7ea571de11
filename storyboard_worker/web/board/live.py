"""What an open page asks every few seconds: which of its parts have changed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.queries.board.changes import Changes, Top
from storyboard_worker.queries.board.panels import Panel
from storyboard_worker.queries.board.places import Place
from storyboard_worker.web.answers import answer, problem, retry_later
from storyboard_worker.web.application import route
from storyboard_worker.web.board.cards import name_of, shown_by
from storyboard_worker.web.board.door import Crowded
from storyboard_worker.web.board.forms import FormRefused, form_of
from storyboard_worker.web.board.overview import Overviews
from storyboard_worker.web.board.pages import Pages
from storyboard_worker.web.board.panel import PanelPage
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.rendering import render
from storyboard_worker.web.board.shown_values import machine_moment
from storyboard_worker.web.board.wanted import Pairs, wanted_by
from storyboard_worker.web.board.wording import wording_for
from storyboard_worker.web.texts.catalogue import Texts
from storyboard_worker.web.texts.choice import texts_for

# More than these are told as a number only.
MOST_TOLD = 3
AGAIN_SECONDS = 5.0


class Live:
    """Answers JSON: ``parts`` (HTML by the element's id, which it replaces), ``gone`` (ids of
    elements), ``newer`` (whether there are panels that the page does not show), ``said`` (what a
    screen reader says of it, if anything), and ``now`` (the database's clock, if it is known).

    A question comes as a form, because the texts of a filter and what a page shows may be longer
    than an address can be."""

    def __init__(
        self, pages: Pages, reads: BoardReads, overviews: Overviews, panel_page: PanelPage
    ) -> None:
        self._pages = pages
        self._reads = reads
        self._overviews = overviews
        self._panel_page = panel_page

    def routes(self) -> list[Rule]:
        return [
            route("/live", self._checked(self.of_gallery), "POST"),
            route("/panels/<uuid:storyboard_id>/live", self._checked(self.of_panel), "POST"),
        ]

    def _checked(self, handler: Callable[..., dict[str, Any]]) -> Callable[..., Response]:
        def handle(request: Request, **parts: Any) -> Response:
            if self._pages.access.session(request) is None:
                return problem(401, "sign in", {"WWW-Authenticate": "Bearer"})
            try:
                asked = form_of(request)
                with self._pages.door.inside():
                    found = handler(request, asked, **parts)
            except FormRefused as error:
                return problem(error.status, "only a form of the board's own pages may ask")
            except Crowded:
                return retry_later(503, "the board is crowded", after_seconds=AGAIN_SECONDS)
            return answer(found, headers={"Vary": "Cookie, Accept-Language"})

        return handle

    def of_gallery(self, request: Request, asked: Pairs) -> dict[str, Any]:
        """``shown`` is what the page shows, ``newest`` the place of its newest panel if it is the
        first page; the rest is the page's filter."""
        newest, wanted = asked.get("newest"), wanted_by(asked)
        top = None if newest is None else Top(wanted.which, _place(newest))
        changes = self._reads.changes(shown_by(asked.get("shown", "")), top)
        overview, wording = self._overviews.latest(), wording_for(request)
        fill = overview.fragments.fill
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
            "said": _said(wording.text, changes),
            "now": machine_moment(overview.now),
        }

    def of_panel(self, request: Request, asked: Pairs, storyboard_id: UUID) -> dict[str, Any]:
        """``shown`` is the version that the page shows. A page whose panel is gone tells so in the
        place of the panel's life."""
        changes = self._reads.changes(shown_by(asked.get("shown", "")))
        if not (changes.panels or changes.gone):
            return {"parts": {}, "gone": [], "said": ""}
        life = self._reads.life(storyboard_id) if changes.panels else None
        text, values = texts_for(request), self._pages.values(request)
        if life is None:
            part = render("_no_panel.html", text, **values)
            return {"parts": {"life": part}, "gone": [], "said": text("problem.no_panel")}
        part = render("_life.html", text, **values, **self._panel_page.values(life))
        said = _changed(text, [life.panel])
        now = machine_moment(life.now)
        return {"parts": {"life": part}, "gone": [], "said": said, "now": now}


def _place(raw: str) -> Place | None:
    return Place.read(raw) if raw else None


def _said(text: Texts, changes: Changes) -> str:
    told = [_changed(text, changes.panels)] if changes.panels else []
    if changes.gone:
        told.append(text("live.gone", count=len(changes.gone)))
    return " ".join(told)


def _changed(text: Texts, panels: list[Panel]) -> str:
    if len(panels) > MOST_TOLD:
        return text("live.many_changed", count=len(panels))
    return " ".join(
        text("live.changed", panel=name_of(text, panel), state=text(f"state.{panel.state}"))
        for panel in panels
    )
