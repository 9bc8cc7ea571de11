"""A database that is away: wait ever longer, say so once, tell somebody if it lasts."""

import logging
import time

from storyboard_worker.errors import StoryboardWorkerError
from storyboard_worker.logs import event, log
from storyboard_worker.reporting.reporter import Reporter

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0
ALARM_AFTER_SECONDS = 60.0


class Outage:
    """Keeps count of one outage at a time."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._since: float | None = None
        self._told = False
        self._next_wait_seconds = FIRST_WAIT_SECONDS

    def wait_seconds(self, error: Exception) -> float:
        """The database failed with ``error``: how long to wait before the next try.

        What is not one of our own errors is a bug, and is told at once; to end for it would
        only be to start again and meet it again.
        """
        if self._since is None:
            self._since = time.monotonic()
            if isinstance(error, StoryboardWorkerError):
                event(logging.WARNING, "waiting for the database", reason=error)
            else:
                log.error("claiming failed unexpectedly", exc_info=error)
                self._reporter.crashed(error)
        elif not self._told and time.monotonic() - self._since > ALARM_AFTER_SECONDS:
            self._told = True
            message = f"The worker cannot work: {_in_words(error)}"
            event(logging.ERROR, message, reason=error)
            self._reporter.alarm(
                "database", message, next_step="storyboard-worker doctor", reason=error
            )
        wait_seconds = self._next_wait_seconds
        self._next_wait_seconds = min(wait_seconds * 2, LONGEST_WAIT_SECONDS)
        return wait_seconds

    def over(self) -> None:
        """The database answered."""
        if self._since is not None:
            seconds = time.monotonic() - self._since
            event(logging.INFO, "the database is back", away_seconds=seconds)
        self._since = None
        self._told = False
        self._next_wait_seconds = FIRST_WAIT_SECONDS


def _in_words(error: Exception) -> str:
    if isinstance(error, StoryboardWorkerError):
        return "the database is away or not migrated"
    return f"claiming fails unexpectedly ({type(error).__name__})"
