"""The statements of upkeep: what becomes of rows whose lease or whose link has run out."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Delete,
    Executable,
    Select,
    and_,
    case,
    delete,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)

from storyboard_worker.database.tables import storyboard_attempts, storyboards
from storyboard_worker.errors import ErrorCode
from storyboard_worker.queries.columns import CAUSE_FOUND, FAILED, NO_CLAIM, NOW, PENDING, seconds
from storyboard_worker.storyboard import Expired, Lapsed

rows = storyboards.c
attempts = storyboard_attempts.c

Found = TypeVar("Found", Lapsed, Expired)

# A row may lose its first worker in company. After that it is tried apart from other rows that
# have lost one, so these three are its own doing.
WORKERS_LOST_AT_MOST = 3
# A producer may write the name of a worker, and an index entry cannot hold a text of any length.
LONGEST_NAME_CHARACTERS = 200

# How long the history of attempts is kept.
HISTORY_SECONDS = 30 * 86_400.0

EXPIRED_MESSAGE = "the signed URL had expired before an attempt could start"
LOST_MESSAGE = "the worker vanished in the last attempt that the row had"


@dataclass(frozen=True, slots=True)
class Change(Generic[Found]):
    """A statement whose answer has the fields of ``kind``."""

    statement: Executable
    kind: type[Found]


def rescued(chosen: Select[UUID], *, max_attempts: int) -> Change[Lapsed]:
    """processing → pending for the ``chosen`` rows, or → failed where no attempt is left.

    ``max_attempts`` limits the errors of the row's own where the row sets no limit.
    """
    lapsed = _locked(
        chosen.add_columns(
            rows.claimed_by.label("claimed_by"),
            rows.lost_with.label("lost_with"),
            func.coalesce(_is_spent(max_attempts), false()).label("exhausted"),
            (rows.workers_lost > 0).label("lost_before"),
        )
    )
    changed = (
        update(storyboards)
        .where(rows.id == lapsed.c.id)
        .values(_after_loss(lapsed))
        .returning(
            rows.id,
            rows.source_url,
            rows.project_id,
            rows.attempts,
            lapsed.c.claimed_by,
            lapsed.c.exhausted.label("exhausted"),
        )
        .cte("rescued")
    )
    return Change(select(changed).add_cte(_cleared(lapsed)), Lapsed)


def _is_spent(max_attempts: int) -> ColumnElement[bool]:
    """Whether the attempt that is lost now was the row's last."""
    return or_(
        rows.attempts >= rows.max_attempts,
        and_(rows.max_attempts.is_(None), rows.own_errors + 1 >= max_attempts),
        rows.workers_lost >= WORKERS_LOST_AT_MOST,
    )


def _after_loss(lapsed: CTE) -> dict[str, Any]:
    exhausted = lapsed.c.exhausted
    return {
        "status": case((exhausted, FAILED), else_=PENDING),
        "available_at": NOW,
        "own_errors": rows.own_errors + 1,
        "workers_lost": rows.workers_lost + 1,
        "lost_with": case((rows.workers_lost > 0, rows.lost_with), else_=_company(lapsed)),
        "error_code": case((exhausted, str(ErrorCode.WORKER_LOST)), else_=rows.error_code),
        "error_message": case((exhausted, LOST_MESSAGE), else_=rows.error_message),
        "errored_at": case((exhausted, NOW), else_=rows.errored_at),
        "sentry_event_id": case((exhausted, null()), else_=rows.sentry_event_id),
        **NO_CLAIM,
    }


def _company(lapsed: CTE) -> ColumnElement[str]:
    """The name that rows lost together share with the row that may be the cause.

    If their worker held a row that was tried apart, it is that row's name, else their worker's.
    """
    apart = lapsed.alias("apart")
    suspect = (
        select(func.min(apart.c.lost_with))
        .where(apart.c.claimed_by == rows.claimed_by, apart.c.lost_before)
        .scalar_subquery()
    )
    return func.coalesce(suspect, func.left(rows.claimed_by, LONGEST_NAME_CHARACTERS))


def _cleared(lapsed: CTE) -> CTE:
    """Clears the rows that were lost with a row that was tried apart and has no attempt left.

    That row has killed its workers, so the others have not.
    """
    cause = and_(lapsed.c.exhausted, lapsed.c.lost_before)
    company = (
        select(rows.id)
        .where(
            rows.lost_with.in_(select(lapsed.c.lost_with).where(cause)),
            rows.workers_lost > 0,
            # A row that has failed for its lost workers stays as it is.
            or_(rows.status != FAILED, rows.error_code != str(ErrorCode.WORKER_LOST)),
            rows.id.not_in(select(lapsed.c.id)),
        )
        .with_for_update(skip_locked=True)
        .cte("company")
        .prefix_with("MATERIALIZED")
    )
    statement = update(storyboards).where(rows.id == company.c.id).values(**CAUSE_FOUND)
    return statement.returning(rows.id).cte("cleared")


def expired(chosen: Select[UUID]) -> Change[Expired]:
    """pending → failed (``source_expired``) for the ``chosen`` rows."""
    dead = _locked(chosen)
    statement = (
        update(storyboards)
        .where(rows.id == dead.c.id)
        .values(
            status=FAILED,
            error_code=str(ErrorCode.SOURCE_EXPIRED),
            error_message=EXPIRED_MESSAGE,
            errored_at=NOW,
            sentry_event_id=null(),
        )
        .returning(rows.id, rows.source_url, rows.project_id, rows.attempts)
    )
    return Change(statement, Expired)


def forgotten_attempts(limit: int) -> Delete:
    """Deletes those of the ``limit`` oldest attempts that are too old.

    Attempts are written in the order of their ids, so no index of their age is needed.
    """
    oldest = (
        select(attempts.id, attempts.ended_at)
        .order_by(attempts.id)
        .limit(literal_column(str(int(limit))))
        .cte("oldest")
        .prefix_with("MATERIALIZED")
    )
    too_old = oldest.c.ended_at < NOW - seconds(HISTORY_SECONDS)
    return delete(storyboard_attempts).where(attempts.id == oldest.c.id, too_old)


def _locked(chosen: Select[Any]) -> CTE:
    return chosen.with_for_update(skip_locked=True).cte("chosen").prefix_with("MATERIALIZED")
