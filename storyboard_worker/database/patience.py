"""Doing something again while the database is away, for a while."""

import math
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from storyboard_worker.backoff import Backoff
from storyboard_worker.database.transactions import Database
from storyboard_worker.errors import DatabaseUnavailable, RowsHidden

Answer = TypeVar("Answer")

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 2.0
# What giving rows back may take, when a signal has asked for the end.
LAST_EXCHANGE_SECONDS = 2.0


class Insist(Protocol):
    """Calls ``work``, maybe again and again, and returns its answer."""

    def __call__(self, work: Callable[[], Answer]) -> Answer: ...


def at_once(work: Callable[[], Answer]) -> Answer:
    """No patience: the first failure is final."""
    return work()


Tell = Callable[[DatabaseUnavailable], None]


def _tell_no_one(_error: DatabaseUnavailable) -> None:
    pass


class Patience:
    """Calls again what raises :class:`DatabaseUnavailable`, until ``seconds`` after its first call;
    ``tell`` hears of the first failure.

    What it calls must bear to be called again although it was done: the answer may be lost.
    """

    def __init__(self, database: Database, seconds: float, *, tell: Tell = _tell_no_one) -> None:
        self._database = database
        self._seconds = seconds
        self._tell = tell
        # Not an Event: a signal handler sets it.
        self._is_given_up = False
        self._latest = math.inf

    def give_up(self) -> None:
        """From now on the first failure is final, and soon: the process ends. May be called inside
        a signal handler."""
        self._is_given_up = True
        self._database.hurry(LAST_EXCHANGE_SECONDS)

    def end_by(self, moment: float) -> None:
        """Not to try again after ``moment``, on the monotonic clock."""
        self._latest = moment

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
        wait_seconds = waits.take()
        while time.monotonic() + wait_seconds < ends_at and not self._is_given_up:
            time.sleep(wait_seconds)
            try:
                # The first time an exchange may take what it may; now it is only what is left.
                with self._database.exchanges_end_by(ends_at):
                    return work()
            except RowsHidden:
                raise
            except DatabaseUnavailable as again:
                error = again
            wait_seconds = waits.take()
        raise error
