"""What keeps rows from getting stuck: lapsed leases, expired links.

Done by every worker and every sweep, in bounded batches, without a leader: two that meet
skip each other's rows.
"""

from functools import cache
from uuid import UUID

from psycopg.rows import class_row
from sqlalchemy import case, func, literal_column, null, select, update

from storyboard_worker.database import Database
from storyboard_worker.errors import ErrorCode
from storyboard_worker.messages import Call, FixedStatement, fixed
from storyboard_worker.models import Expired, Lapsed, storyboards
from storyboard_worker.queries.columns import (
    ALONG_AN_INDEX,
    FAILED,
    NO_CLAIM,
    NOW,
    PENDING,
    has_expired,
    has_lapsed,
    is_pending,
    is_processing,
)

rows = storyboards.c

BATCH_ROWS = 500

EXPIRED_MESSAGE = "the signed URL had expired before an attempt could start"
LOST_MESSAGE = "the worker vanished in the last attempt that the row had"


class Upkeep:
    """``max_attempts`` is the limit for rows that set none of their own."""

    def __init__(self, database: Database, *, max_attempts: int) -> None:
        self._database = database
        self._max_attempts = max_attempts

    def rescue(self, limit: int = BATCH_ROWS) -> list[Lapsed]:
        """processing → pending for rows whose lease ran out, due at once, attempt counted;
        processing → failed (``worker_lost``) where no attempt is left."""
        lapsed = (
            select(
                rows.id,
                rows.claimed_by,
                (rows.attempts >= func.coalesce(rows.max_attempts, self._max_attempts)).label(
                    "exhausted"
                ),
            )
            .where(is_processing, has_lapsed)
            .order_by(rows.claimed_at)
            .limit(literal_column(str(int(limit))))
            .with_for_update(skip_locked=True)
            .cte("lapsed")
            .prefix_with("MATERIALIZED")
        )
        exhausted = lapsed.c.exhausted
        statement = (
            update(storyboards)
            .where(rows.id == lapsed.c.id)
            .values(
                status=case((exhausted, FAILED), else_=PENDING),
                available_at=NOW,
                error_code=case((exhausted, str(ErrorCode.WORKER_LOST)), else_=rows.error_code),
                error_message=case((exhausted, LOST_MESSAGE), else_=rows.error_message),
                errored_at=case((exhausted, NOW), else_=rows.errored_at),
                sentry_event_id=case((exhausted, null()), else_=rows.sentry_event_id),
                **NO_CLAIM,
            )
            .returning(
                rows.id,
                rows.source_url,
                rows.project_id,
                rows.attempts,
                lapsed.c.claimed_by,
                lapsed.c.exhausted,
            )
        )
        with self._database.transaction() as connection:
            return [Lapsed(*row) for row in connection.execute(statement)]

    def expire(self, limit: int = BATCH_ROWS) -> list[Expired]:
        """pending → failed (``source_expired``) for rows whose signed URL has died."""
        return self._database.run(Call(_expire_statement(limit), {}, class_row(Expired)))

    def note_event(self, ids: list[UUID], sentry_event_id: str) -> None:
        """Keep on failed rows which Sentry event told of them."""
        statement = (
            update(storyboards)
            .where(rows.id.in_(ids), rows.status == FAILED)
            .values(sentry_event_id=sentry_event_id)
        )
        with self._database.transaction() as connection:
            connection.execute(statement)


@cache
def _expire_statement(limit: int) -> FixedStatement:
    expired = (
        select(rows.id)
        .where(is_pending, has_expired)
        .limit(literal_column(str(int(limit))))
        .with_for_update(skip_locked=True)
        .cte("expired")
        .prefix_with("MATERIALIZED")
    )
    statement = (
        update(storyboards)
        .where(rows.id == expired.c.id)
        .values(
            status=FAILED,
            error_code=str(ErrorCode.SOURCE_EXPIRED),
            error_message=EXPIRED_MESSAGE,
            errored_at=NOW,
            sentry_event_id=null(),
        )
        .returning(rows.id, rows.source_url, rows.project_id, rows.attempts)
    )
    return fixed(statement, **ALONG_AN_INDEX)
