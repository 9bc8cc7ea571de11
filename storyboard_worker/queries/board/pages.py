"""Panels, newest first, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, Select, func, literal_column, select, true

from storyboard_worker.database import Database
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.panels import PANEL_COLUMNS, SENTENCES, Panel, panel_of
from storyboard_worker.queries.board.places import Place
from storyboard_worker.queries.board.short_read import short_read
from storyboard_worker.queries.board.strands import Direction, in_order, walk
from storyboard_worker.queries.hidden_rows import check_rows_are_seen
from storyboard_worker.queries.progress import storyboard_id, view

# So many rows are looked at for one page where no index holds the whole filter.
MOST_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Panels, newest first.

    ``older`` and ``newer`` are where the pages beside this one begin, ``None`` where the list ends.
    ``is_cut_short``: so many rows were looked at that the search ended, so the page holds fewer
    panels than asked for, maybe none. The page beside goes on from there.
    """

    panels: list[Panel]
    older: Place | None
    newer: Place | None
    is_cut_short: bool


class PanelPages:
    """Reads pages of at most ``size`` panels.

    A row that was there when a reader began stands on exactly one of the pages, however many rows
    are added at the same time. A row that changes its state may leave the filter.
    """

    def __init__(
        self, database: Database, *, size: int = 48, looked_at: int = MOST_LOOKED_AT
    ) -> None:
        self._database = database
        self._size = size
        self._looked_at = max(looked_at, size + 1)

    def first(self, which: PanelFilter) -> Page:
        """The newest panels that fit.

        Raises :class:`RowsHidden` where row-level security hides the rows.
        """
        return self._older(which, None)

    def older(self, which: PanelFilter, place: Place) -> Page:
        """The panels that fit on the older side of ``place``."""
        return self._older(which, place)

    def newer(self, which: PanelFilter, place: Place) -> Page:
        """The panels that fit on the newer side of ``place``, the nearest ones.

        At the beginning of the list it is the first page.
        """
        found, beyond, is_cut_short = self._read(which, Direction.NEWER, place)
        if beyond is None:
            return self.first(which)
        return Page(found[::-1], older=place, newer=beyond, is_cut_short=is_cut_short)

    def _older(self, which: PanelFilter, place: Place | None) -> Page:
        found, beyond, is_cut_short = self._read(which, Direction.OLDER, place)
        return Page(found, older=beyond, newer=place, is_cut_short=is_cut_short)

    def _read(
        self, which: PanelFilter, direction: Direction, place: Place | None
    ) -> tuple[list[Panel], Place | None, bool]:
        """The panels in this direction, where to go on, and whether the search was cut short."""
        statement = self._statement(which, direction, place)
        with short_read(self._database) as connection:
            found = connection.execute(statement).mappings().all()
            if found[0]["id"] is None:
                check_rows_are_seen(connection)
        panels = [_panel(row) for row in found if row["id"] is not None]
        panels.sort(key=lambda panel: panel.place, reverse=direction is Direction.OLDER)
        if len(panels) > self._size:
            last = panels[self._size - 1 if direction is Direction.OLDER else self._size]
            return panels[: self._size], last.place, False
        stop = _stop(found)
        return panels, stop, stop is not None

    def _statement(
        self, which: PanelFilter, direction: Direction, place: Place | None
    ) -> Select[tuple[object, ...]]:
        """One panel more than the page holds, and where the search stopped if it did.

        One statement, so that both see the same rows.
        """
        # The row behind those that are looked at is where a search for newer ones goes on.
        walked = walk(which, direction, place, most=self._looked_at + 1)
        looked_at = walked.limit(self._looked_at).subquery("looked_at")
        page = (
            select(looked_at)
            .where(*which.conditions(looked_at.c))
            .order_by(*in_order(looked_at.c, direction))
            .limit(self._size + 1)
            .cte("page")
        )
        # Beyond a full page the search did not stop, and need not be repeated.
        is_short = select(func.count()).select_from(page).scalar_subquery() <= self._size
        passed = self._looked_at - (1 if direction is Direction.OLDER else 0)
        stop = walked.where(is_short).offset(passed).limit(1).subquery("stop")
        panels = (
            select(page, *SENTENCES)
            .join_from(page, view, page.c.id == storyboard_id)
            .subquery("panels")
        )
        one_row = select(literal_column("1")).subquery("one_row")
        return select(
            panels, stop.c.created_at.label("stop_at"), stop.c.id.label("stop_id")
        ).select_from(one_row.outerjoin(stop, true()).outerjoin(panels, true()))


def _panel(row: RowMapping) -> Panel:
    names = [column.name for column in (*PANEL_COLUMNS, *SENTENCES)]
    return panel_of({name: row[name] for name in names})


def _stop(found: Sequence[RowMapping]) -> Place | None:
    at, id_ = found[0]["stop_at"], found[0]["stop_id"]
    return None if at is None else Place(at, id_)
