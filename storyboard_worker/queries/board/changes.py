"""What has changed since a page was shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row, tuple_row
from sqlalchemy import DateTime, FromClause, Text, Uuid, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement, fixed
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.panels import PANEL_COLUMNS, SENTENCES, Panel, panel_of
from storyboard_worker.queries.board.places import Place
from storyboard_worker.queries.board.short_read import IN_ONE_MESSAGE
from storyboard_worker.queries.board.strands import Direction, walk
from storyboard_worker.queries.progress import storyboard_id, view

rows = storyboards.c

# A look at what is new happens every few seconds, so it looks at fewer rows than a page does.
LOOKED_AT = 500
# Filters of open pages. To build the statement of one takes longer than to run it.
MOST_FILTERS = 64


@dataclass(frozen=True, slots=True)
class Top:
    """The first page of the panels that fit ``which``; ``newest`` is its first panel's place."""

    which: PanelFilter
    newest: Place | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The panels that differ from what a page shows, the ids of those that are gone, and whether
    there are newer ones."""

    panels: list[Panel]
    gone: list[UUID]
    has_newer: bool = False


class PanelChanges:
    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, shown: Mapping[UUID, datetime], top: Top | None = None) -> Changes:
        """What has changed of the panels of a page, given their ``updated_at`` that it shows.

        For a first page, ``top`` asks for newer panels as well. Only the newest rows are looked at,
        so with a filter that few rows fit some may be missed.
        """
        calls: list[Call[Any]] = []
        if shown:
            values = {"ids": _array(shown), "seen": _array(shown.values())}
            calls.append(Call(_CHANGED, values, dict_row))
        if top is not None:
            calls.append(Call(_newest(top.which), {}, tuple_row))
        found = iter(self._database.run_all(calls) if calls else [])
        asked = [(row.pop("asked_id"), row) for row in (next(found) if shown else [])]
        return Changes(
            panels=[panel_of(row) for _, row in asked if row["id"] is not None],
            gone=[id_ for id_, row in asked if row["id"] is None],
            has_newer=top is not None and _is_newer(next(found), top.newest),
        )


def _on_page() -> FromClause:
    # Texts that the server reads as arrays. The driver takes a millisecond to write arrays itself.
    ids = cast(bindparam("ids", type_=Text), ARRAY(Uuid))
    seen = cast(bindparam("seen", type_=Text), ARRAY(DateTime(timezone=True)))
    return (
        func.unnest(ids, seen)
        .table_valued(column("id", Uuid), column("seen_at", DateTime(timezone=True)))
        .render_derived("on_page")
    )


def _array(values: Iterable[object]) -> str:
    """An array of values that need no quotes in one."""
    return f"{{{','.join(map(str, values))}}}"


def _changed() -> FixedStatement:
    on_page = _on_page()
    statement = (
        select(on_page.c.id.label("asked_id"), *PANEL_COLUMNS, *SENTENCES)
        .select_from(on_page)
        .outerjoin(storyboards, rows.id == on_page.c.id)
        .outerjoin(view, storyboard_id == rows.id)
        .where(rows.updated_at.is_distinct_from(on_page.c.seen_at))
    )
    return fixed(statement, **IN_ONE_MESSAGE)


_CHANGED = _changed()


@lru_cache(MOST_FILTERS)
def _newest(which: PanelFilter) -> FixedStatement:
    """The place of the newest panel that fits."""
    latest = walk(which, Direction.OLDER, None, most=LOOKED_AT).subquery("latest")
    fitting = select(latest.c.created_at, latest.c.id).where(*which.conditions(latest.c))
    return fixed(fitting.limit(1), **IN_ONE_MESSAGE)


def _is_newer(found: list[tuple[datetime, UUID]], newest: Place | None) -> bool:
    return bool(found) and (newest is None or Place(*found[0]) > newest)
