"""Repeats work for a limited time while the database is away."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from storyboard_worker.backoff import Backoff
from storyboard_worker.database.transactions import Database
from storyboard_worker.errors import DatabaseUnavailable, RowsHidden

Answer = TypeVar("Answer")

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 2.0
# The last try begins so long before the end.
LAST_TRY_SECONDS = 0.5
# How long giving rows back may take after a signal has asked the process to end.
LAST_EXCHANGE_SECONDS = 2.0


class Insist(Protocol):
    """Calls ``work`` once or more and returns its answer."""

    def __call__(self, work: Callable[[], Answer]) -> Answer: ...


def at_once(work: Callable[[], Answer]) -> Answer:
    """Calls ``work`` once: the first failure is final."""
    return work()


Tell = Callable[[DatabaseUnavailable], None]


def _tell_no_one(_error: DatabaseUnavailable) -> None:
    pass


class Patience:
    """Repeats work that raises :class:`DatabaseUnavailable`, until ``seconds`` after the first
    call. ``tell`` is called with the first failure.

    The work must be safe to repeat after it was done, because its answer may be lost.
    """

    def __init__(self, database: Database, seconds: float, *, tell: Tell = _tell_no_one) -> None:
        self._database = database
        self._seconds = seconds
        self._tell = tell
        # Not an Event: a signal handler sets it.
        self._is_given_up = False
        self._latest = math.inf

    def give_up(self) -> None:
        """From now on the first failure is final, and exchanges are short: the process ends.

        May be called inside a signal handler.
        """
        self._is_given_up = True
        self._database.hurry(LAST_EXCHANGE_SECONDS)

    def end_by(self, moment: float) -> None:
        """Do not try again after ``moment``, on the monotonic clock."""
        self._latest = moment

    def bounded(self, ends_at: float) -> AbstractContextManager[None]:
        """Inside, no exchange of this thread outlasts ``ends_at``, on the monotonic clock."""
        return self._database.exchanges_end_by(ends_at)

    def __call__(self, work: Callable[[], Answer]) -> Answer:
        ends_at = min(self._latest, time.monotonic() + self._seconds)
        try:
            return work()
        except RowsHidden:
            raise
        except DatabaseUnavailable as error:
            if self._seconds > 0 and not self._is_given_up:
                self._tell(error)
            return self._again(work, error, ends_at)

    def _again(
        self, work: Callable[[], Answer], error: DatabaseUnavailable, ends_at: float
    ) -> Answer:
        waits = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        last_try_at = ends_at - LAST_TRY_SECONDS
        while (left_seconds := last_try_at - time.monotonic()) > 0 and not self._is_given_up:
            time.sleep(min(waits.take(), left_seconds))
            try:
                # The first exchange had its whole time. Later ones get what is left.
                with self._database.exchanges_end_by(ends_at):
                    return work()
            except RowsHidden:
                raise
            except DatabaseUnavailable as again:
                error = again
        raise error
