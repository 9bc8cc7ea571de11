"""Keeps rows from getting stuck: rescues lapsed leases and fails rows whose link has expired.

Every worker and every sweep does it, in bounded batches and without a leader. Two that run at the
same time skip each other's rows.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, Select, literal_column, select, update

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.errors import CommitInDoubt, DataRefused, ErrorCode, SchemaOutdated
from storyboard_worker.queries.columns import (
    ALONG_AN_INDEX,
    FAILED,
    NOW,
    has_expired,
    has_lapsed,
    is_pending,
    is_processing,
    seconds,
)
from storyboard_worker.queries.one_by_one import in_time
from storyboard_worker.queries.setting_aside import OnSetAside, Refused, SettingAside, log_set_aside
from storyboard_worker.queries.unshown_pictures import UnshownPictures
from storyboard_worker.queries.upkeep_statements import (
    Change,
    Found,
    expired,
    forgotten_attempts,
    rescued,
)
from storyboard_worker.storyboard import Expired, Lapsed, public_id

rows = storyboards.c

BATCH_ROWS = 500
# How long rows of an unanswered transaction may be looked for.
DOUBT_SECONDS = 3600.0


class Upkeep:
    """``max_attempts`` is the limit of attempts that end with an error of the row's own.

    ``folder`` is that of the public ids. A worker that vanished may have stored its picture, so
    that is listed among the orphans until its row shows it. ``None``: nothing is listed.

    ``on_set_aside`` is called for each row that makes a statement fail and has failed for it.
    """

    def __init__(
        self,
        database: Database,
        *,
        max_attempts: int,
        folder: str | None = None,
        on_set_aside: OnSetAside = log_set_aside,
    ) -> None:
        self._database = database
        self._max_attempts = max_attempts
        self._folder = folder
        self._unshown = UnshownPictures(database)
        self._aside = SettingAside(database, on_set_aside)
        self._doubtful: list[Lapsed | Expired] = []

    def rescue(self, limit: int = BATCH_ROWS) -> list[Lapsed]:
        """processing → pending for rows whose lease ran out, due at once, attempt counted;
        processing → failed (``worker_lost``) where no attempt is left.

        A row that loses its workers even when it is tried apart, until no attempt is left, was the
        cause. The rows that were lost with it get that attempt back, whatever became of them.
        """
        lapsed = select(rows.id).where(is_processing, has_lapsed).order_by(rows.claimed_at)
        found = self._each(lapsed, limit, partial(rescued, max_attempts=self._max_attempts))
        lost = self._done_all_the_same(Lapsed, ErrorCode.WORKER_LOST, found)
        rescued_rows = [*found, *lost]
        self._list_maybe_stored(rescued_rows)
        return rescued_rows

    def _list_maybe_stored(self, lapsed: Iterable[Lapsed]) -> None:
        folder = self._folder
        if folder is not None:
            self._unshown.keep(
                (row.id, public_id(folder, row.id, row.source_url)) for row in lapsed
            )
            self._unshown.list_kept()

    def expire(self, limit: int = BATCH_ROWS) -> list[Expired]:
        """pending → failed (``source_expired``) for rows whose signed URL has died."""
        dying = select(rows.id).where(is_pending, has_expired)
        found = self._each(dying, limit, expired)
        dead = self._done_all_the_same(Expired, ErrorCode.SOURCE_EXPIRED, found)
        return [*found, *dead]

    def forget_attempts(self, limit: int = BATCH_ROWS) -> int:
        """Delete the oldest attempts of the history, those older than 30 days; returns how many.

        Deletes none where the schema is older than the history.
        """
        with suppress(SchemaOutdated), self._database.transaction() as connection:
            return connection.execute(forgotten_attempts(limit)).rowcount
        return 0

    def note_event(self, ids: list[UUID], sentry_event_id: str) -> None:
        """Write on the failed rows the Sentry event that reports them."""
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
        """Change the ``chosen`` rows together.

        If one of them makes that fail, change them one by one and set that one aside.
        """
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
        """Whether rows may have failed that no caller was told of."""
        return bool(self._doubtful)

    def _done_all_the_same(
        self, kind: type[Found], code: ErrorCode, found: list[Found]
    ) -> list[Found]:
        """Rows that failed in a transaction whose end was in doubt.

        No later pass finds them again, so the caller has to report them now.
        """
        # A row that was found again had not been changed before.
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
