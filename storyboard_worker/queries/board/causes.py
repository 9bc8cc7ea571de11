"""Why rows failed: by error code and host, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    RowMapping,
    Select,
    Text,
    column,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.board.short_read import short_read
from storyboard_worker.queries.columns import indexed_code, indexed_host, is_failed
from storyboard_worker.queries.hidden_rows import check_rows_are_seen

rows = storyboards.c
code = indexed_code.label("error_code")
host = indexed_host.label("host")

MOST_CAUSES = 100
# The rows that are counted for all causes together.
MOST_COUNTED = 5_000


@dataclass(frozen=True, slots=True)
class FailedCause:
    """Rows that failed with ``error_code`` and whose image lies at ``host``.

    ``count`` is at least so many where it ``is_exact`` not. ``first`` and ``last`` are then those
    of the rows counted, which are the newest panels. ``sample_id`` and ``sentry_event_id`` belong
    to the newest panel.
    """

    error_code: str
    host: str
    count: int
    is_exact: bool
    first: datetime
    last: datetime
    sample_id: UUID
    sentry_event_id: str | None


@dataclass(frozen=True, slots=True)
class FailedCauses:
    """The causes, the latest first; ``are_all`` unless there are more than a hundred."""

    causes: list[FailedCause]
    are_all: bool


class BoardCauses:
    def __init__(self, database: Database, *, most_counted: int = MOST_COUNTED) -> None:
        self._database = database
        self._most_counted = most_counted

    def read(self) -> FailedCauses:
        """Raises :class:`RowsHidden` where row-level security hides the rows."""
        with short_read(self._database) as connection:
            found = connection.execute(_kinds().limit(MOST_CAUSES + 1)).all()
            kinds = [(row.error_code, row.host) for row in found[:MOST_CAUSES]]
            if not kinds:
                check_rows_are_seen(connection)
                return FailedCauses([], are_all=True)
            most = max(1, self._most_counted // len(kinds))
            causes = [
                _cause(row, most) for row in connection.execute(_facts(kinds, most)).mappings()
            ]
        causes.sort(key=lambda cause: (cause.last, cause.error_code, cause.host), reverse=True)
        return FailedCauses(causes, are_all=len(found) <= MOST_CAUSES)


def _cause(row: RowMapping, most: int) -> FailedCause:
    return FailedCause(
        error_code=row["error_code"],
        host=row["host"],
        count=min(row["count"], most),
        is_exact=row["count"] <= most,
        first=row["first"],
        last=row["last"],
        sample_id=row["sample_id"],
        sentry_event_id=row["sentry_event_id"],
    )


def _kinds() -> Select[tuple[str, str]]:
    """Each error code and host once: from each of them a step to the next in the index."""
    in_order = select(code, host).where(is_failed).order_by(code, host)
    kinds = in_order.limit(1).cte("kinds", recursive=True)
    is_later = tuple_(indexed_code, indexed_host) > tuple_(kinds.c.error_code, kinds.c.host)
    following = in_order.where(is_later).limit(1).correlate(kinds).lateral("following")
    kinds = kinds.union_all(select(following).select_from(kinds.join(following, true())))
    return select(kinds.c.error_code, kinds.c.host)


def _facts(kinds: Sequence[tuple[str, str]], most: int) -> Select[Any]:
    """What there is to say of each of ``kinds``, from at most ``most`` + 1 of its rows."""
    codes, hosts = (literal(list(names), ARRAY(Text)) for names in zip(*kinds, strict=True))
    kind = (
        func.unnest(codes, hosts)
        .table_valued(column("error_code", Text), column("host", Text))
        .render_derived("kind")
    )
    newest_first = (
        select(rows.id, rows.errored_at, rows.sentry_event_id)
        .where(is_failed, indexed_code == kind.c.error_code, indexed_host == kind.c.host)
        .order_by(rows.created_at.desc(), rows.id.desc())
        .correlate(kind)
    )
    sample = newest_first.limit(1).lateral("sample")
    newest = newest_first.limit(most + 1).subquery()
    counted = (
        select(
            func.count().label("count"),
            func.min(newest.c.errored_at).label("first"),
            func.max(newest.c.errored_at).label("last"),
        )
        .select_from(newest)
        .lateral("counted")
    )
    return select(
        kind.c.error_code,
        kind.c.host,
        sample.c.id.label("sample_id"),
        sample.c.sentry_event_id,
        *counted.c,
    ).select_from(kind.join(sample, true()).join(counted, true()))
