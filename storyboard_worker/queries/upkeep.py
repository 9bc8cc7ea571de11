"""What keeps rows from getting stuck: lapsed leases, expired links.

Done by every worker and every sweep, in bounded batches, without a leader: two that meet
skip each other's rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Executable,
    Select,
    and_,
    case,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.errors import CommitInDoubt, DataRefused, ErrorCode
from storyboard_worker.queries.columns import (
    ALONG_AN_INDEX,
    CAUSE_FOUND,
    FAILED,
    NO_CLAIM,
    NOW,
    PENDING,
    has_expired,
    has_lapsed,
    is_pending,
    is_processing,
    seconds,
)
from storyboard_worker.queries.one_by_one import in_time
from storyboard_worker.queries.setting_aside import OnSetAside, Refused, SettingAside, log_set_aside
from storyboard_worker.storyboard import Expired, Lapsed

rows = storyboards.c

Found = TypeVar("Found", Lapsed, Expired)

BATCH_ROWS = 500

# The first it may have lost in company; after that it is tried apart from others that have lost
# one, and so these three are its own doing.
WORKERS_LOST_AT_MOST = 3
# Of a worker's, which a producer may have written: an index bears no text of any length.
LONGEST_NAME_CHARACTERS = 200
# How long a transaction in doubt may be looked for.
DOUBT_SECONDS = 3600.0

EXPIRED_MESSAGE = "the signed URL had expired before an attempt could start"
LOST_MESSAGE = "the worker vanished in the last attempt that the row had"


@dataclass(frozen=True, slots=True)
class Change(Generic[Found]):
    """``statement`` answers with what ``kind`` is made from."""

    statement: Executable
    kind: type[Found]


class Upkeep:
    """``max_attempts`` is the limit of errors of a row's own. ``on_set_aside`` hears of
    rows with which a statement fails, and which have failed for it."""

    def __init__(
        self,
        database: Database,
        *,
        max_attempts: int,
        on_set_aside: OnSetAside = log_set_aside,
    ) -> None:
        self._database = database
        self._max_attempts = max_attempts
        self._aside = SettingAside(database, on_set_aside)
        self._doubtful: list[Lapsed | Expired] = []

    def rescue(self, limit: int = BATCH_ROWS) -> list[Lapsed]:
        """processing → pending for rows whose lease ran out, due at once, attempt counted;
        processing → failed (``worker_lost``) where no attempt is left. One that is lost again
        when it is tried apart, until it has no attempt left, was the cause: those that were lost
        with it have that attempt back, whatever became of them."""
        lapsed = select(rows.id).where(is_processing, has_lapsed).order_by(rows.claimed_at)
        found = self._each(lapsed, limit, self._rescued)
        lost = self._done_all_the_same(Lapsed, ErrorCode.WORKER_LOST, found)
        return [*found, *lost]

    def expire(self, limit: int = BATCH_ROWS) -> list[Expired]:
        """pending → failed (``source_expired``) for rows whose signed URL has died."""
        expired = select(rows.id).where(is_pending, has_expired)
        found = self._each(expired, limit, _expired)
        dead = self._done_all_the_same(Expired, ErrorCode.SOURCE_EXPIRED, found)
        return [*found, *dead]

    def note_event(self, ids: list[UUID], sentry_event_id: str) -> None:
        """Keep on failed rows which Sentry event told of them."""
        statement = (
            update(storyboards)
            .where(rows.id.in_(ids), rows.status == FAILED)
            .values(sentry_event_id=sentry_event_id)
        )
        with self._database.transaction() as connection:
            connection.execute(statement)

    def _each(
        self,
        chosen: Select[UUID],
        limit: int,
        change: Callable[[Select[UUID]], Change[Found]],
    ) -> list[Found]:
        """Change the ``chosen`` rows together or, if one of them makes that fail, one by one; that
        one is set aside."""
        passed_over = self._aside.passed_over
        if passed_over:
            chosen = chosen.where(rows.id.not_in(passed_over))
        # A literal: a generic plan would guess a tenth of the table for a bound limit.
        chosen = chosen.limit(literal_column(str(int(limit))))
        try:
            return self._run(change(chosen))
        except DataRefused:
            return self._one_by_one(chosen, change)

    def _one_by_one(
        self,
        chosen: Select[UUID],
        change: Callable[[Select[UUID]], Change[Found]],
    ) -> list[Found]:
        with self._along_an_index() as connection:
            ids = connection.scalars(chosen).all()
        found: list[Found] = []
        refused: list[Refused] = []
        for id_ in in_time(ids):
            try:
                found += self._run(change(chosen.where(rows.id == id_)))
            except DataRefused as error:
                refused.append((id_, error))
        self._aside.judge(refused, well=len(found))
        return found

    def _run(self, change: Change[Found]) -> list[Found]:
        found: list[Found] = []
        try:
            with self._along_an_index() as connection:
                found = [change.kind(*row) for row in connection.execute(change.statement)]
        except CommitInDoubt:
            self._doubtful += found
            raise
        return found

    @contextmanager
    def _along_an_index(self) -> Iterator[Connection]:
        with self._database.transaction() as connection:
            for name, value in ALONG_AN_INDEX.items():
                connection.exec_driver_sql(f"SET LOCAL {name} = {value}")
            yield connection

    @property
    def is_in_doubt(self) -> bool:
        """Rows may have failed of which nothing was told yet."""
        return bool(self._doubtful)

    def _done_all_the_same(
        self, kind: type[Found], code: ErrorCode, found: list[Found]
    ) -> list[Found]:
        """Rows that failed in a transaction whose end was in doubt: somebody has to hear of them,
        and they will not be found again."""
        # What was found again was not done before.
        again = {row.id for row in found}
        doubtful = [row for row in self._doubtful if isinstance(row, kind) and row.id not in again]
        self._doubtful = [row for row in self._doubtful if row.id not in again]
        if not doubtful:
            return []
        ids = [row.id for row in doubtful]
        statement = select(rows.id).where(
            rows.id.in_(ids),
            rows.status == FAILED,
            rows.error_code == str(code),
            rows.errored_at > NOW - seconds(DOUBT_SECONDS),
        )
        with self._database.transaction() as connection:
            failed = set(connection.scalars(statement))
        self._doubtful = [row for row in self._doubtful if not isinstance(row, kind)]
        return [row for row in doubtful if row.id in failed]

    def _rescued(self, chosen: Select[UUID]) -> Change[Lapsed]:
        is_spent = or_(
            rows.attempts >= rows.max_attempts,
            and_(rows.max_attempts.is_(None), rows.own_errors + 1 >= self._max_attempts),
            rows.workers_lost >= WORKERS_LOST_AT_MOST,
        )
        lapsed = _locked(
            chosen.add_columns(
                rows.claimed_by.label("claimed_by"),
                rows.lost_with.label("lost_with"),
                func.coalesce(is_spent, false()).label("exhausted"),
                (rows.workers_lost > 0).label("lost_before"),
            )
        )
        exhausted = lapsed.c.exhausted
        rescued = (
            update(storyboards)
            .where(rows.id == lapsed.c.id)
            .values(
                status=case((exhausted, FAILED), else_=PENDING),
                available_at=NOW,
                own_errors=rows.own_errors + 1,
                workers_lost=rows.workers_lost + 1,
                lost_with=case((rows.workers_lost > 0, rows.lost_with), else_=_company(lapsed)),
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
                exhausted.label("exhausted"),
            )
            .cte("rescued")
        )
        return Change(select(rescued).add_cte(_cleared(lapsed)), Lapsed)


def _company(lapsed: CTE) -> ColumnElement[str]:
    """What rows that are lost now have in common with the one that may be the cause: its name, if
    their worker held one that was tried apart, and else their worker's."""
    apart = lapsed.alias("apart")
    suspect = (
        select(func.min(apart.c.lost_with))
        .where(apart.c.claimed_by == rows.claimed_by, apart.c.lost_before)
        .scalar_subquery()
    )
    return func.coalesce(suspect, func.left(rows.claimed_by, LONGEST_NAME_CHARACTERS))


def _cleared(lapsed: CTE) -> CTE:
    """A row that was tried apart, and has no attempt left, is what killed its workers: those that
    were lost with them were not."""
    cause = and_(lapsed.c.exhausted, lapsed.c.lost_before)
    company = (
        select(rows.id)
        .where(
            rows.lost_with.in_(select(lapsed.c.lost_with).where(cause)),
            rows.workers_lost > 0,
            # One that has failed for it stays as it is.
            or_(rows.status != FAILED, rows.error_code != str(ErrorCode.WORKER_LOST)),
            rows.id.not_in(select(lapsed.c.id)),
        )
        .with_for_update(skip_locked=True)
        .cte("company")
        .prefix_with("MATERIALIZED")
    )
    statement = update(storyboards).where(rows.id == company.c.id).values(**CAUSE_FOUND)
    return statement.returning(rows.id).cte("cleared")


def _expired(chosen: Select[UUID]) -> Change[Expired]:
    expired = _locked(chosen)
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
    return Change(statement, Expired)


def _locked(chosen: Select[Any]) -> CTE:
    return chosen.with_for_update(skip_locked=True).cte("chosen").prefix_with("MATERIALIZED")
