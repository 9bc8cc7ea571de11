"""Failed rows, grouped by the cause."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.columns import source_host
from storyboard_worker.queries.hidden_rows import check_rows_are_seen
from storyboard_worker.queries.rows import FailedFilter

rows = storyboards.c


@dataclass(frozen=True, slots=True)
class Cause:
    """Rows that failed with ``error_code`` and whose image lies at ``host``.

    ``sample_id`` and ``sentry_event_id`` belong to the newest of them.
    """

    error_code: str
    host: str
    count: int
    first: datetime
    last: datetime
    sample_id: UUID
    sentry_event_id: str | None


class Failures:
    def __init__(self, database: Database) -> None:
        self._database = database

    def by_cause(self, which: FailedFilter) -> list[Cause]:
        """The causes of the rows that fit, the latest first.

        Raises :class:`RowsHidden` where row-level security hides the rows.
        """
        newest_first = rows.errored_at.desc()
        ids = func.array_agg(aggregate_order_by(rows.id, newest_first, rows.id))
        events = func.array_agg(aggregate_order_by(rows.sentry_event_id, newest_first, rows.id))
        last = func.max(rows.errored_at)
        statement = (
            select(
                rows.error_code,
                source_host,
                func.count(),
                func.min(rows.errored_at),
                last,
                ids[1],
                events[1],
            )
            .where(*which.conditions())
            .group_by(rows.error_code, source_host)
            .order_by(last.desc(), rows.error_code, source_host)
        )
        with self._database.transaction() as connection:
            causes = [Cause(*row) for row in connection.execute(statement)]
            if not causes:
                check_rows_are_seen(connection)
        return causes
