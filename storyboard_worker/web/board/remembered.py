"""The panels that have changed under open pages, read once for all of these pages."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from storyboard_worker.queries.board.changes import Changes, Top
from storyboard_worker.queries.board.panels import Panel

MOST_REMEMBERED = 2000


class RememberedPanels:
    """Asks ``since`` for what differs from the panels that it knows, and not from those of a page.

    So each answer is as new as the database, and a panel comes from there once for each of its
    versions, however many pages show it.
    """

    def __init__(self, since: Callable[[Mapping[UUID, datetime], Top | None], Changes]) -> None:
        self._since = since
        self._known: dict[UUID, Panel] = {}

    def since(self, shown: Mapping[UUID, datetime], top: Top | None = None) -> Changes:
        """Like :meth:`PanelChanges.since`."""
        # Other pages change the memory at the same time, so one look at it must do.
        known = {id_: self._known.get(id_) for id_ in shown}
        versions = {
            id_: seen if panel is None else panel.updated_at
            for (id_, seen), panel in zip(shown.items(), known.values(), strict=True)
        }
        found = self._since(versions, top)
        known |= {panel.id: panel for panel in found.panels} | dict.fromkeys(found.gone)
        self._remember(found.panels)
        changed = [
            panel for panel in known.values() if panel and panel.updated_at != shown[panel.id]
        ]
        return replace(found, panels=changed)

    def _remember(self, panels: Iterable[Panel]) -> None:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        for panel in panels:
            self._known[panel.id] = panel
