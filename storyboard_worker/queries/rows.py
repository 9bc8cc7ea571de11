"""What producers and people do with rows: enqueue, read, retry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from storyboard_worker.database import Database
from storyboard_worker.database.patience import Insist, at_once
from storyboard_worker.database.tables import storyboards
from storyboard_worker.errors import CommitInDoubt
from storyboard_worker.queries.columns import (
    FAILED,
    NOW,
    PENDING,
    is_failed,
    may_be_pending,
    source_host,
)
from storyboard_worker.queries.hidden_rows import check_rows_are_seen
from storyboard_worker.storyboard import Status, TraceHeaders

rows = storyboards.c

BATCH_ROWS = 1000
NO_TRACE = TraceHeaders()


@dataclass(frozen=True, slots=True)
class FailedFilter:
    """Which failed rows: those that fit every part that is given. An empty filter fits all.

    ``since`` reaches back from now and looks at ``errored_at``. ``host`` is where the image lies,
    in lower case and without port.
    """

    ids: Sequence[UUID] | None = None
    error_code: str | None = None
    since: timedelta | None = None
    project_id: str | None = None
    host: str | None = None

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
        if self.host is not None:
            chosen.append(source_host == self.host)
        return chosen


class StoryboardRows:
    """Methods that read rows raise :class:`RowsHidden` where row-level security hides them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(
        self,
        source_urls: Sequence[str],
        *,
        ids: Sequence[UUID] | None = None,
        project_id: str | None = None,
        max_attempts: int | None = None,
        trace: TraceHeaders = NO_TRACE,
    ) -> list[UUID]:
        """Insert a pending row for each URL, all or none; returns the ids in the same order.

        Give ``ids`` to repeat it safely when the answer was lost: rows that are there stay.
        """
        ids = ids or [uuid4() for _ in source_urls]
        statement = insert(storyboards).on_conflict_do_nothing(index_elements=[rows.id])
        values = [
            {
                "id": id_,
                "source_url": url,
                "project_id": project_id,
                "max_attempts": max_attempts,
                "sentry_trace": trace.sentry_trace,
                "baggage": trace.baggage,
            }
            for id_, url in zip(ids, source_urls, strict=True)
        ]
        with self._database.transaction() as connection:
            for start in range(0, len(values), BATCH_ROWS):
                connection.execute(statement, values[start : start + BATCH_ROWS])
                self._database.go_on(connection)
        return list(ids)

    def get(self, storyboard_id: UUID) -> dict[str, Any] | None:
        """One row under its column names, or ``None``."""
        with self._database.transaction() as connection:
            found = connection.execute(select(storyboards).where(rows.id == storyboard_id))
            row = found.mappings().one_or_none()
            if row is None:
                check_rows_are_seen(connection)
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
            found = [dict(row) for row in connection.execute(statement).mappings()]
            if not found:
                check_rows_are_seen(connection)
        return found

    def failed(self, which: FailedFilter) -> list[UUID]:
        """The ids of the failed rows that fit and may be put back, oldest error first."""
        statement = (
            select(rows.id).where(*which.conditions(), may_be_pending).order_by(rows.errored_at)
        )
        with self._database.transaction() as connection:
            found = list(connection.execute(statement).scalars())
            if not found:
                check_rows_are_seen(connection)
        return found

    def retry(self, which: FailedFilter, insist: Insist = at_once) -> list[UUID]:
        """failed → pending, afresh; returns the ids. A row that is locked stays failed.

        Rows change in batches, so that no lock is held for long; ``insist`` runs each batch. The
        ids are chosen once, so a row that fails again in the meantime is not retried twice.
        """
        chosen = insist(lambda: self.failed(which))
        retried: list[UUID] = []
        for start in range(0, len(chosen), BATCH_ROWS):
            retried += insist(_PuttingBack(self._database, chosen[start : start + BATCH_ROWS]))
        return retried


class _PuttingBack:
    """Retries one batch. Called again, it counts what an unanswered call has already changed."""

    def __init__(self, database: Database, ids: Sequence[UUID]) -> None:
        self._database = database
        self._ids = ids
        self._in_doubt: list[UUID] = []

    def __call__(self) -> list[UUID]:
        done: list[UUID] = []
        free = (
            select(rows.id)
            .where(rows.id.in_(self._ids), is_failed)
            .with_for_update(skip_locked=True)
            .cte("free")
        )
        statement = (
            update(storyboards)
            .where(rows.id == free.c.id)
            .values(status=PENDING)
            .returning(rows.id)
        )
        done_before = select(rows.id).where(rows.id.in_(self._in_doubt), rows.status != FAILED)
        try:
            with self._database.transaction() as connection:
                if self._in_doubt:
                    done += connection.execute(done_before).scalars()
                done += connection.execute(statement).scalars()
        except CommitInDoubt:
            self._in_doubt = done
            raise
        return done
