"""How long a prune tries, and when it gives up."""

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from storyboard_worker.backoff import Backoff
from storyboard_worker.errors import AttemptError, ErrorCode, StoryboardWorkerError
from storyboard_worker.shutdown import Shutdown, take_noticing_signals
from storyboard_worker.transfer.cloudinary_account import CREDENTIALS
from storyboard_worker.wire.deadline import Deadline

Answer = TypeVar("Answer")

# Rows stay locked for so long at most. A call mostly takes less than a second.
CALL_SECONDS = 10.0
SHORTEST_CALL_SECONDS = 1.0
# In a row, for one batch: more than a minute of waits.
MOST_TRIES = 7
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
# The lock of another prune is tried again so soon.
OTHER_PRUNE_SECONDS = 0.2

WAITING_HELPS = frozenset(
    {ErrorCode.STORAGE_RATE_LIMITED, ErrorCode.STORAGE_UNAVAILABLE, ErrorCode.ATTEMPT_TIMEOUT}
)
NOT_FOUND = 404
TIME_IS_UP = "the time is up; the next run goes on"


class GivenUp(StoryboardWorkerError):
    """The prune ends before all is done. The message says why, and what to do. ``is_fault`` is
    false where the next run goes on by itself."""

    def __init__(self, message: str, *, is_fault: bool = False) -> None:
        super().__init__(message)
        self.is_fault = is_fault


def usual_waits() -> Backoff:
    return Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)


class PrunePatience:
    """``waits`` makes the waits between the tries for one batch."""

    def __init__(
        self,
        shutdown: Shutdown,
        waits: Callable[[], Backoff] = usual_waits,
    ) -> None:
        self._shutdown = shutdown
        self._new_waits = waits
        self._ends_at = 0.0
        # A signal handler puts into it.
        self._stops: queue.SimpleQueue[None] = queue.SimpleQueue()

    @contextmanager
    def until(self, ends_at: float) -> Iterator[None]:
        """Inside, work goes on until ``ends_at`` on the monotonic clock, or a signal."""
        self._ends_at = ends_at
        with self._shutdown.calling(lambda: self._stops.put(None)):
            yield

    def check(self) -> None:
        """Raises :class:`GivenUp` when the time is up, or a signal has come."""
        if self._shutdown.requested:
            raise GivenUp("a signal has asked to stop; the next run goes on")
        if time.monotonic() >= self._ends_at:
            raise GivenUp(TIME_IS_UP)

    def deadline(self) -> Deadline:
        """Of one call."""
        left = self._ends_at - time.monotonic()
        return Deadline(max(SHORTEST_CALL_SECONDS, min(CALL_SECONDS, left)))

    def tried(self, work: Callable[[], Answer | None]) -> Answer:
        """The answer of ``work``, which is called again after an error that waiting may end, and
        after ``None``: another prune is at work. Raises :class:`GivenUp` when that takes too long.
        Other errors pass through."""
        waits = self._new_waits()
        tries = 0
        while True:
            self.check()
            try:
                answer = work()
            except AttemptError as error:
                tries += 1
                if error.code not in WAITING_HELPS or tries == MOST_TRIES:
                    raise
                self._wait_after(error, max(waits.take(), error.retry_after_seconds or 0.0))
                continue
            if answer is not None:
                return answer
            self._wait(OTHER_PRUNE_SECONDS)

    def _wait_after(self, error: AttemptError, seconds: float) -> None:
        if time.monotonic() + seconds >= self._ends_at:
            raise error
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        try:
            take_noticing_signals(self._stops, seconds)
        except queue.Empty:
            return
        # For check(), and for all waits that follow.
        self._stops.put(None)


def given_up(error: AttemptError) -> GivenUp:
    """What ``error`` means for a prune that tries no longer."""
    reason = error.message
    # A cloud name that is wrong is answered 404.
    if error.code is ErrorCode.STORAGE_UNAUTHORIZED or error.http_status == NOT_FOUND:
        return GivenUp(f"{reason}; {CREDENTIALS}", is_fault=True)
    if error.code in WAITING_HELPS:
        seconds = error.retry_after_seconds
        when = f"again in {seconds:.0f} s" if seconds else "later"
        return GivenUp(f"{reason}; run it {when}")
    return GivenUp(reason, is_fault=True)
