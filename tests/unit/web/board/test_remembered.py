"""What has changed under open pages is read once for all of them."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from storyboard_worker.queries.board.changes import Changes, Top
from storyboard_worker.queries.board.panels import Panel
from storyboard_worker.web.board.remembered import MOST_REMEMBERED, RememberedPanels
from tests.support.producing import A_MOMENT

LATER = A_MOMENT + timedelta(seconds=1)
ID = UUID(int=1)
UNTOLD: dict[str, Any] = {column.name: None for column in fields(Panel)}
PANEL = Panel(**UNTOLD | {"id": ID, "updated_at": LATER})


class Table:
    """The rows, and which of them have been read."""

    def __init__(self, *panels: Panel) -> None:
        self.panels = {panel.id: panel for panel in panels}
        self.read: list[UUID] = []

    def since(self, shown: Mapping[UUID, datetime], _top: Top | None) -> Changes:
        here = {id_: self.panels[id_] for id_ in shown if id_ in self.panels}
        changed = [panel for id_, panel in here.items() if panel.updated_at != shown[id_]]
        self.read += [panel.id for panel in changed]
        return Changes(changed, [id_ for id_ in shown if id_ not in here], has_newer=True)


def test_a_version_is_read_once_for_all_pages() -> None:
    table = Table(PANEL)
    panels = RememberedPanels(table.since)
    for _ in range(3):
        assert panels.since({ID: A_MOMENT}) == Changes([PANEL], [], has_newer=True)
    assert panels.since({ID: LATER}).panels == []
    assert table.read == [ID]


def test_the_next_version_is_told_to_each_page() -> None:
    table = Table(PANEL)
    panels = RememberedPanels(table.since)
    panels.since({ID: A_MOMENT})
    table.panels[ID] = newer = replace(PANEL, updated_at=LATER + timedelta(seconds=1))
    for seen in (A_MOMENT, LATER):
        assert panels.since({ID: seen}).panels == [newer]
    assert table.read == [ID, ID]


def test_a_panel_that_is_gone_is_told_to_each_page() -> None:
    table = Table(PANEL)
    panels = RememberedPanels(table.since)
    panels.since({ID: A_MOMENT})
    del table.panels[ID]
    for seen in (A_MOMENT, LATER):
        assert panels.since({ID: seen}) == Changes([], [ID], has_newer=True)


def test_the_memory_is_bounded() -> None:
    many = [replace(PANEL, id=UUID(int=number)) for number in range(MOST_REMEMBERED + 1)]
    panels = RememberedPanels(Table(*many).since)
    for panel in many:
        assert panels.since({panel.id: A_MOMENT}).panels == [panel]
    assert len(panels._known) == 1
