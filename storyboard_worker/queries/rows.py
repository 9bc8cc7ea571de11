"""What producers and people do with rows: enqueue, look, put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, literal_column, select, update

from storyboard_worker.database import Database
from storyboard_worker.models import Status, storyboards
from storyboard_worker.queries.columns import NOW, PENDING, is_failed

rows = storyboards.c

BATCH_ROWS = 1000


@dataclass(frozen=True, slots=True)
class FailedFilter:
    """Which failed rows; every part that is given must fit, and none given means all."""

    ids: Sequence[UUID] | None = None
    error_code: str | None = None
    since: timedelta | None = None
    project_id: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        chosen: list[ColumnElement[bool]] = [is_failed]
        if self.ids is not None:
            chosen.append(rows.id.in_(self.ids))
        if self.error_code is not None:
            chosen.append(rows.error_code == self.error_code)
        if self.since is not None:
            chosen.append(rows.errored_at >= NOW - self.since)
        if self.project_id is not None:
            chosen.append(rows.project_id == self.project_id)
        return chosen


class StoryboardRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(
        self,
        source_urls: Sequence[str],
        *,
        project_id: str | None = None,
        max_attempts: int | None = None,
        sentry_trace: str | None = None,
        baggage: str | None = None,
    ) -> list[UUID]:
        """Insert a pending row for each URL, all or none; returns the ids in the same order."""
        statement = insert(storyboards).returning(rows.id, sort_by_parameter_order=True)
        values = [
            {
                "source_url": url,
                "project_id": project_id,
                "max_attempts": max_attempts,
                "sentry_trace": sentry_trace,
                "baggage": baggage,
            }
            for url in source_urls
        ]
        with self._database.transaction() as connection:
            return list(connection.execute(statement, values).scalars())

    def get(self, storyboard_id: UUID) -> dict[str, Any] | None:
        """One row under its column names, or ``None``."""
        with self._database.transaction() as connection:
            found = connection.execute(select(storyboards).where(rows.id == storyboard_id))
            row = found.mappings().one_or_none()
            return None if row is None else dict(row)

    def newest(
        self,
        *,
        status: Status | None = None,
        error_code: str | None = None,
        project_id: str | None = None,
        limit: int = 50,
    ) -> list[dict[str, Any]]:
        """The newest rows that fit, under their column names."""
        statement = select(storyboards).order_by(rows.created_at.desc(), rows.id).limit(limit)
        if status is not None:
            statement = statement.where(rows.status == literal_column(f"'{status}'"))
        if error_code is not None:
            statement = statement.where(rows.error_code == error_code)
        if project_id is not None:
            statement = statement.where(rows.project_id == project_id)
        with self._database.transaction() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def failed(self, which: FailedFilter) -> list[UUID]:
        """The ids of the failed rows that fit, oldest error first."""
        statement = select(rows.id).where(*which.conditions()).order_by(rows.errored_at)
        with self._database.transaction() as connection:
            return list(connection.execute(statement).scalars())

    def retry(self, which: FailedFilter) -> list[UUID]:
        """failed → pending, afresh; returns the ids. A row that somebody has locked stays.

        In batches, so that no lock is held for long. The ids are chosen once: a row that
        fails again meanwhile is not put back a second time.
        """
        chosen = self.failed(which)
        retried: list[UUID] = []
        for start in range(0, len(chosen), BATCH_ROWS):
            batch = chosen[start : start + BATCH_ROWS]
            free = (
                select(rows.id)
                .where(rows.id.in_(batch), is_failed)
                .with_for_update(skip_locked=True)
                .cte("free")
            )
            statement = (
                update(storyboards)
                .where(rows.id == free.c.id)
                .values(status=PENDING)
                .returning(rows.id)
            )
            with self._database.transaction() as connection:
                retried += connection.execute(statement).scalars()
        return retried
