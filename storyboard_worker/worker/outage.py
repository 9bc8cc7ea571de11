"""A database that is away: wait ever longer, say so once, raise an alarm if it lasts."""

import logging
import threading
import time
from collections.abc import Callable

from storyboard_worker.backoff import Backoff
from storyboard_worker.errors import (
    DatabaseUnavailable,
    ResourceExhausted,
    RowsHidden,
    SchemaOutdated,
)
from storyboard_worker.logs import event, log
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.exhaustion import exhaustion_in

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0
ALARM_AFTER_SECONDS = 60.0


class Outage:
    """Keeps count of one outage at a time, as the claim loop meets it and as the keeper does: a
    fault may strike one of them alone. It is told once for both. ``on_lack`` hears of each failure
    for want of something of ours: then the database is not to blame."""

    def __init__(self, reporter: Reporter, on_lack: Callable[[ResourceExhausted], None]) -> None:
        self._reporter = reporter
        self._on_lack = on_lack
        self._lock = threading.Lock()
        self._loop_since: float | None = None
        self._keeper_since: float | None = None
        self._told = False
        self._waits = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)

    def wait_seconds(self, error: Exception) -> float:
        """The loop's turn failed with ``error``: how long to wait before the next.

        What is neither absence nor a schema to be migrated is a bug, and is told at once; to end
        for it would only be to start again and meet it again.
        """
        if self._loop_since is None:
            self._loop_since = time.monotonic()
            lack = exhaustion_in(error)
            if lack is not None:
                event(logging.WARNING, "waiting for what the worker lacks", reason=lack.message)
            elif isinstance(error, DatabaseUnavailable | SchemaOutdated):
                event(logging.WARNING, "waiting for the database", reason=error)
            else:
                log.error("claiming failed unexpectedly", exc_info=error)
                self._reporter.crashed(error)
        self._tell_if_it_lasts(self._loop_since, error)
        return self._waits.take()

    def over(self) -> None:
        """The database answered the loop."""
        if self._loop_since is not None:
            seconds = time.monotonic() - self._loop_since
            event(logging.INFO, "the database is back", away_seconds=seconds)
            self._loop_since = None
            self._forget_if_all_is_well()
        self._waits.reset()

    def keeper_failed(self, error: Exception) -> None:
        """A duty of the keeper failed with ``error``: leases may lapse, or no beat be seen."""
        self._keeper_since = self._keeper_since or time.monotonic()
        self._tell_if_it_lasts(self._keeper_since, error)

    def keeper_is_well(self) -> None:
        """All duties of the keeper were done."""
        if self._keeper_since is not None:
            self._keeper_since = None
            self._forget_if_all_is_well()

    def _tell_if_it_lasts(self, since: float, error: Exception) -> None:
        lack = exhaustion_in(error)
        if lack is not None:
            self._on_lack(lack)
            return
        with self._lock:
            if self._told or time.monotonic() - since <= ALARM_AFTER_SECONDS:
                return
            self._told = True
        message = f"The worker cannot work: {_in_words(error)}"
        event(logging.ERROR, message, reason=error)
        self._reporter.alarm(
            "database", message, next_step="storyboard-worker doctor", reason=error
        )

    def _forget_if_all_is_well(self) -> None:
        with self._lock:
            if self._loop_since is None and self._keeper_since is None:
                self._told = False


def _in_words(error: Exception) -> str:
    if isinstance(error, RowsHidden):
        return "row-level security hides the storyboards from it"
    if isinstance(error, DatabaseUnavailable | SchemaOutdated):
        return "the database is away or not migrated"
    return f"claiming fails unexpectedly ({type(error).__name__})"
