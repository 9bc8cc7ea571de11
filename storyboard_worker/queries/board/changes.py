"""What has changed since a page was shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Uuid, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.panels import PANEL_COLUMNS, SENTENCES, Panel, panel_of
from storyboard_worker.queries.board.places import Place
from storyboard_worker.queries.board.short_read import short_read
from storyboard_worker.queries.board.strands import Direction, walk
from storyboard_worker.queries.progress import storyboard_id, view

rows = storyboards.c

# A look at what is new happens every few seconds, so it looks at fewer rows than a page does.
LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Changes:
    """The panels that differ from what a page shows, and the ids of those that are gone."""

    panels: list[Panel]
    gone: list[UUID]


class PanelChanges:
    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, shown: Mapping[UUID, datetime]) -> Changes:
        """What has changed of the panels of a page, given their ``updated_at`` that it shows."""
        if not shown:
            return Changes([], [])
        on_page = (
            func.unnest(
                literal(list(shown), ARRAY(Uuid)),
                literal(list(shown.values()), ARRAY(DateTime(timezone=True))),
            )
            .table_valued(column("id", Uuid), column("seen_at", DateTime(timezone=True)))
            .render_derived("on_page")
        )
        statement = (
            select(on_page.c.id.label("asked_id"), *PANEL_COLUMNS, *SENTENCES)
            .select_from(on_page)
            .outerjoin(storyboards, rows.id == on_page.c.id)
            .outerjoin(view, storyboard_id == rows.id)
            .where(rows.updated_at.is_distinct_from(on_page.c.seen_at))
        )
        with short_read(self._database) as connection:
            found = [dict(row) for row in connection.execute(statement).mappings()]
        asked = [(row.pop("asked_id"), row) for row in found]
        return Changes(
            panels=[panel_of(row) for _, row in asked if row["id"] is not None],
            gone=[id_ for id_, row in asked if row["id"] is None],
        )

    def has_newer(self, which: PanelFilter, newest: Place | None) -> bool:
        """Whether a panel that fits is newer than ``newest``, the first one that a page shows.

        Only the newest rows are looked at, so with a filter that few rows fit it may miss some.
        """
        latest = walk(which, Direction.OLDER, None, most=LOOKED_AT).subquery("latest")
        fitting = select(latest.c.created_at, latest.c.id).where(*which.conditions(latest.c))
        with short_read(self._database) as connection:
            row = connection.execute(fitting.limit(1)).one_or_none()
        return row is not None and (newest is None or Place(*row) > newest)
