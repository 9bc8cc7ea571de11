"""Rescuing lapsed rows, failing expired ones, and telling what was lost."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from storyboard_worker.errors import DatabaseUnavailable, ErrorCode
from storyboard_worker.logs import event
from storyboard_worker.queries.upkeep import BATCH_ROWS, Upkeep
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.storyboard import Expired, Lapsed, SetAside, host_of

# A batch at a time: the next sweep or the keeper goes on, so a million rows hold up no other duty.
MAX_BATCHES = 20
LONGEST_ROUND_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Rescued:
    """``rescued`` rows are due again; ``lost`` ones had no attempt left."""

    rescued: int
    lost: int


class Housekeeping:
    def __init__(self, upkeep: Upkeep, register: WorkerRegister, reporter: Reporter) -> None:
        self._upkeep = upkeep
        self._register = register
        self._reporter = reporter
        self._rescued = self._lost = self._expired = 0

    @property
    def is_in_doubt(self) -> bool:
        """What was done without an answer is yet to be told."""
        return self._upkeep.is_in_doubt

    def rescue(self) -> Rescued:
        """Put rows back whose lease ran out; fail (``worker_lost``) those without attempts.

        What was done before the database went away is counted with the next call.
        """
        ends_at = time.monotonic() + LONGEST_ROUND_SECONDS
        for _ in range(MAX_BATCHES):
            lapsed = self._upkeep.rescue()
            failed = [row for row in lapsed if row.failed]
            self._rescued += len(lapsed) - len(failed)
            self._lost += len(failed)
            for row in lapsed:
                event(
                    logging.WARNING,
                    "storyboard lost with its worker" if row.failed else "storyboard rescued",
                    storyboard_id=row.id,
                    attempt=row.attempts,
                    claimed_by=row.claimed_by,
                )
            self._tell_lost(failed)
            if len(lapsed) < BATCH_ROWS or time.monotonic() > ends_at:
                break
        rescued, self._rescued = self._rescued, 0
        lost, self._lost = self._lost, 0
        return Rescued(rescued, lost)

    def expire(self) -> int:
        """Fail rows whose signed URL died while they waited; returns how many, as above."""
        ends_at = time.monotonic() + LONGEST_ROUND_SECONDS
        for _ in range(MAX_BATCHES):
            expired = self._upkeep.expire()
            self._expired += len(expired)
            self._tell_expired(expired)
            if len(expired) < BATCH_ROWS or time.monotonic() > ends_at:
                break
        count, self._expired = self._expired, 0
        return count

    def forget_dead_workers(self) -> int:
        """Delete the rows of workers that are long gone; returns how many."""
        return self._register.forget_dead()

    def forget_old_attempts(self) -> int:
        """Delete failed attempts older than 30 days from the history; returns how many."""
        ends_at = time.monotonic() + LONGEST_ROUND_SECONDS
        count = 0
        for _ in range(MAX_BATCHES):
            forgotten = self._upkeep.forget_attempts()
            count += forgotten
            if forgotten < BATCH_ROWS or time.monotonic() > ends_at:
                break
        return count

    def tell_set_aside(self, row: SetAside) -> None:
        """A row was set aside, so that a statement could go on with the others."""
        event(
            logging.ERROR,
            "storyboard set aside",
            storyboard_id=row.id,
            error_code=str(ErrorCode.UNEXPECTED),
        )
        self._tell(ErrorCode.UNEXPECTED, [row])

    def _tell_lost(self, failed: list[Lapsed]) -> None:
        for _, group in groupby(sorted(failed, key=_host), key=_host):
            rows = list(group)
            self._tell(ErrorCode.WORKER_LOST, rows)

    def _tell_expired(self, expired: list[Expired]) -> None:
        for host, group in groupby(sorted(expired, key=_host), key=_host):
            rows = list(group)
            event(logging.ERROR, "links expired unread", host=host, count=len(rows))
            self._tell(ErrorCode.SOURCE_EXPIRED, rows)

    def _tell(self, code: ErrorCode, rows: Sequence[Expired | Lapsed | SetAside]) -> None:
        """Tell of rows of one host; the event's id is kept on them where that can be done.

        The rows are failed already and will not be found again: the event has to go out
        even if the database is away just now.
        """
        reservation = self._reporter.reserve(code, _host(rows[0]))
        if reservation is not None:
            try:
                self._upkeep.note_event([row.id for row in rows], reservation.event_id)
            except DatabaseUnavailable as error:
                event(logging.WARNING, "event id not kept on its rows", reason=error)
        self._reporter.rows_failed(rows, reservation)


def _host(row: Expired | Lapsed | SetAside) -> str:
    return host_of(row.source_url)
