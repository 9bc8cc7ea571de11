"""Rows that an outage of their upstream has put off.

They are due again when the outage is over. Some are due before, to test whether it is.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from psycopg.rows import scalar_row, tuple_row
from sqlalchemy import (
    CTE,
    ClauseElement,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Select,
    Text,
    all_,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement, fixed
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.database.tables import storyboards
from storyboard_worker.errors import STORAGE_UPSTREAM, ErrorCode
from storyboard_worker.queries.claim_cursor import Rank
from storyboard_worker.queries.claim_statements import (
    A_SECOND,
    RANK,
    RANK_NAMES,
    RANK_REACHED,
)
from storyboard_worker.queries.columns import (
    ALONG_AN_INDEX,
    IN_GROUP,
    NOW,
    is_alive,
    is_pending,
    source_upstream,
)
from storyboard_worker.storyboard import Group

rows = storyboards.c

# The rows of one transaction, so few that it locks none of them for long.
RECALLED_AT_ONCE = 1000
# An outage is taken to begin so long before it is noticed, since some rows have to meet it first.
NOTICED_AFTER_SECONDS = 5.0
SOURCE_DOWN_CODES = (ErrorCode.SOURCE_UNAVAILABLE, ErrorCode.SOURCE_TIMEOUT)


@dataclass(frozen=True, slots=True)
class Recall:
    """Progress in recalling the rows that an outage of ``upstream`` has put off.

    The outage lasted ``seconds``. ``count`` rows are recalled so far, those of ``group`` up to the
    rank ``reached``. ``began_at`` is when the outage began, as the database writes it.
    """

    upstream: str
    seconds: float
    group: Group = Group.TRIED
    began_at: str | None = None
    reached: Rank | None = None
    count: int = 0
    is_over: bool = False

    def after(self, recalled: list[tuple[Any, ...]]) -> "Recall":
        """The progress after one statement, whose answer is ``recalled``.

        It is at most one row: the last rank, the moment when the outage began, and the number of
        rows.
        """
        if not recalled:
            return self._next_group(self.count)
        *reached, began_at, count = recalled[0]
        if count < RECALLED_AT_ONCE:
            return self._next_group(self.count + count)
        going_on = replace(self, reached=tuple(reached), began_at=began_at)
        return replace(going_on, count=self.count + count)

    def _next_group(self, count: int) -> "Recall":
        if self.group is Group.LOST:
            return replace(self, count=count, is_over=True)
        return replace(self, group=Group.LOST, reached=None, count=count)


class PutOff:
    """Makes rows due in transactions that are short however many rows there are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, recall: Recall) -> Recall:
        """Make some more rows due at once; returns the progress, for the next call."""
        values = {
            **_met(recall.upstream),
            "lasted": timedelta(seconds=recall.seconds + NOTICED_AFTER_SECONDS),
            "began_at": recall.began_at,
            **dict(zip(RANK_NAMES, recall.reached or (), strict=False)),
        }
        statement = recall_statement(
            RECALLED_AT_ONCE,
            group=recall.group,
            at_upstream=recall.upstream != STORAGE_UPSTREAM,
            onward=recall.reached is not None,
        )
        return recall.after(self._database.run(Call(statement, values, tuple_row)))

    def hasten(self, limit: int, upstream: str | None, without: Collection[str]) -> int:
        """Make up to ``limit`` rows due at once, those with the fewest attempts; returns how many.

        Rows with a limit of their own are left out, because it counts these attempts.
        """
        values = _met(upstream or STORAGE_UPSTREAM)
        avoided = [] if upstream else sorted(without)
        statement = hasten_statement(
            limit, at_upstream=upstream is not None, avoiding=bool(avoided)
        )
        call = Call(statement, {**values, "avoided": avoided}, scalar_row)
        return len(self._database.run(call))


def _met(upstream: str) -> dict[str, Any]:
    if upstream == STORAGE_UPSTREAM:
        return {"codes": [str(ErrorCode.STORAGE_UNAVAILABLE)]}
    return {"codes": [*map(str, SOURCE_DOWN_CODES)], "upstream": upstream}


def _put_off(group: Group, *, at_upstream: bool) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [
        is_pending,
        IN_GROUP[group],
        rows.error_code == any_(bindparam("codes", type_=ARRAY(Text))),
    ]
    if at_upstream:
        chosen.append(source_upstream == bindparam("upstream", type_=Text))
    return chosen


def _locked(chosen: Select[Any], limit: int) -> CTE:
    """The first ``limit`` of them that are not locked."""
    first = chosen.limit(literal_column(str(int(limit)))).with_for_update(skip_locked=True)
    return first.cte("put_off").prefix_with("MATERIALIZED")


@cache
def recall_statement(
    limit: int, *, group: Group, at_upstream: bool, onward: bool
) -> FixedStatement:
    """Makes rows due as of the beginning of the outage, those with the fewest attempts first.

    So they come before rows that failed all the time and fell due while the outage lasted.
    """
    began_at = func.coalesce(
        cast(bindparam("began_at", type_=Text), DateTime(timezone=True)),
        NOW - bindparam("lasted", type_=Interval),
    )
    due_since = func.least(began_at + rows.attempts * A_SECOND, NOW)
    chosen = _put_off(group, at_upstream=at_upstream)
    chosen += [rows.available_at > due_since, rows.errored_at > began_at]
    if onward:
        chosen.append(tuple_(*RANK) > tuple_(*RANK_REACHED))
    put_off_rows = (
        select(rows.id, *(part.label(name) for name, part in zip(RANK_NAMES, RANK, strict=True)))
        .where(*chosen)
        .order_by(*RANK)
    )
    put_off = _locked(put_off_rows, limit)
    recalled = (
        update(storyboards)
        .where(rows.id == put_off.c.id)
        .values(available_at=due_since)
        .returning(*(put_off.c[name].label(name) for name in RANK_NAMES))
        .cte("recalled")
    )
    return fixed(_last_of(recalled, began_at), **ALONG_AN_INDEX)


def _last_of(recalled: CTE, began_at: ColumnElement[datetime]) -> ClauseElement:
    """The last rank, the beginning of the outage, and the number of rows.

    Rank and moment travel as text. The next statement sends them back unchanged.
    """
    rank = [recalled.c[name] for name in RANK_NAMES]
    return (
        select(
            *(cast(part, Text) for part in rank),
            cast(began_at, Text),
            cast(func.count().over(), Integer),
        )
        .order_by(*(part.desc() for part in rank))
        .limit(literal_column("1"))
    )


@cache
def hasten_statement(limit: int, *, at_upstream: bool, avoiding: bool) -> FixedStatement:
    chosen = _put_off(Group.TRIED, at_upstream=at_upstream)
    chosen += [rows.available_at > NOW, is_alive, rows.max_attempts.is_(None)]
    if avoiding:
        chosen.append(source_upstream != all_(bindparam("avoided", type_=ARRAY(Text))))
    failed_least = select(rows.id).where(*chosen)
    put_off = _locked(failed_least.order_by(rows.attempts, rows.available_at, rows.id), limit)
    hastened = (
        update(storyboards)
        .where(rows.id == put_off.c.id)
        .values(available_at=NOW)
        .returning(rows.id)
    )
    return fixed(hastened, **ALONG_AN_INDEX)
