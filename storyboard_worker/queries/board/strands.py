"""Along which indexes a page finds its rows.

Each index of the board begins with what a filter fixes, its state always among it, and ends with
the order of panels. So the rows of a filter are a few strands, each in order already, which the
server merges while it reads. An order over all states needs no index of its own: it is the four
strands of the states.
"""

from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, tuple_, union_all

from storyboard_worker.database.tables import literal_status, storyboards
from storyboard_worker.lengths import MAX_HOST_CHARACTERS
from storyboard_worker.queries.board.filters import Columns, PanelFilter
from storyboard_worker.queries.board.panels import PANEL_COLUMNS
from storyboard_worker.queries.board.places import Place
from storyboard_worker.queries.columns import CODE_CHARACTERS, indexed_code, indexed_host
from storyboard_worker.storyboard import Status

rows = storyboards.c


class Direction(Enum):
    """Which side of a place is read, beginning at the place."""

    OLDER = "older"
    NEWER = "newer"


def walk(
    which: PanelFilter, direction: Direction, place: Place | None, *, most: int
) -> Select[tuple[object, ...]]:
    """The first ``most`` rows that may fit, in order, from ``place`` on or from the list's end.

    They fit the parts of the filter that an index holds.
    """
    beside = [] if place is None else [_lies_beside(place, direction)]
    # The server merges strands without a sort only where each says its order and its limit itself.
    strands = [
        select(*PANEL_COLUMNS)
        .where(*strand, *beside)
        .order_by(*in_order(rows, direction))
        .limit(most)
        for strand in _strands(which)
    ]
    found = union_all(*strands).subquery("found")
    return select(found).order_by(*in_order(found.c, direction)).limit(most)


def in_order(columns: Columns, direction: Direction) -> list[ColumnElement[Any]]:
    """What to order the rows by, so that those nearest to the place come first."""
    key = (columns.created_at, columns.id)
    return [part.desc() for part in key] if direction is Direction.OLDER else list(key)


def _lies_beside(place: Place, direction: Direction) -> ColumnElement[bool]:
    key = tuple_(rows.created_at, rows.id)
    at = tuple_(literal(place.created_at, rows.created_at.type), literal(place.id, rows.id.type))
    return key < at if direction is Direction.OLDER else key >= at


def _strands(which: PanelFilter) -> list[list[ColumnElement[bool]]]:
    if which.id is not None:
        return [[rows.id == which.id]]
    return [_strand(which, state) for state in which.states]


def _strand(which: PanelFilter, state: Status) -> list[ColumnElement[bool]]:
    strand: list[ColumnElement[bool]] = [rows.status == literal_status(state)]
    if which.project is not None:
        strand += _fixed(rows.project_id, which.project)
    elif state is Status.FAILED and which.error_code is not None:
        strand += _fixed(indexed_code, which.error_code[:CODE_CHARACTERS])
        if which.host is not None:
            strand += _fixed(indexed_host, which.host[:MAX_HOST_CHARACTERS])
    return strand


def _fixed(column: ColumnElement[Any], value: str) -> list[ColumnElement[bool]]:
    """An equality, said twice.

    Of a value that many rows have the planner may pick them out along an index that does not hold
    it, which takes long where they lie together far away. Said as a range as well, they look few.
    """
    return [column == value, column.between(value, value)]
