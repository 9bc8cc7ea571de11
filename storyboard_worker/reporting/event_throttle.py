"""Limits events: ten thousand rows that fail for one reason are one thing to know.

Of each cause the first few failures of an hour are reported in full. Those that follow are counted
and reported together, in a summary every five minutes.
"""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from storyboard_worker.errors import ErrorCode

FULL_EVENTS = 3
FULL_EVERY_SECONDS = 3600.0
SUMMARY_AFTER_SECONDS = 300.0
SUMMARY_IDS = 20


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes failures one issue."""

    code: ErrorCode
    upstream: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """The id of an event to come: one in ``full``, or the summary that will count the failure."""

    cause: Cause
    event_id: str
    full: bool


@dataclass(slots=True)
class Summary:
    """Failures counted since ``began_at`` (monotonic), with the first few of their rows."""

    cause: Cause
    event_id: str
    began_at: float
    count: int = 0
    ids: list[UUID] = field(default_factory=list)


@dataclass(slots=True)
class _Window:
    began_at: float
    full_left: int = FULL_EVENTS
    summary: Summary | None = None


class EventThrottle:
    """Counts what one process has reported lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[Cause, _Window] = {}
        self._lock = threading.Lock()

    def reserve(self, cause: Cause) -> Reservation:
        """To be called before a failure is written to its row; it is reported after that."""
        with self._lock:
            window = self._window(cause)
            if window.full_left > 0:
                window.full_left -= 1
                return Reservation(cause, uuid.uuid4().hex, full=True)
            if window.summary is None:
                window.summary = Summary(cause, uuid.uuid4().hex, self._clock())
            return Reservation(cause, window.summary.event_id, full=False)

    def count(self, cause: Cause, ids: list[UUID]) -> None:
        """Failures of ``cause`` that were written down and will be reported in the summary."""
        with self._lock:
            window = self._window(cause)
            if window.summary is None:
                # The reserved one was sent in the time between.
                window.summary = Summary(cause, uuid.uuid4().hex, self._clock())
            summary = window.summary
            summary.count += len(ids)
            summary.ids += ids[: SUMMARY_IDS - len(summary.ids)]

    def take_summaries(self, *, all_of_them: bool = False) -> list[Summary]:
        """The summaries that are due, to be sent now."""
        with self._lock:
            now = self._clock()
            due = [
                window.summary
                for window in self._windows.values()
                if window.summary is not None
                and window.summary.count
                and (all_of_them or now - window.summary.began_at >= SUMMARY_AFTER_SECONDS)
            ]
            for summary in due:
                self._windows[summary.cause].summary = None
            self._forget(now)
        return due

    def _window(self, cause: Cause) -> _Window:
        now = self._clock()
        window = self._windows.setdefault(cause, _Window(now))
        if now - window.began_at >= FULL_EVERY_SECONDS:
            window.began_at = now
            window.full_left = FULL_EVENTS
        return window

    def _forget(self, now: float) -> None:
        """Drop windows that are an hour old and have nothing to report: hosts come and go."""
        self._windows = {
            cause: window
            for cause, window in self._windows.items()
            if window.summary is not None or now - window.began_at < FULL_EVERY_SECONDS
        }
