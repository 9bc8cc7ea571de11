"""What a worker allows itself after a lack of its own: nothing for a moment, then less than before.

A lack that its own attempts bring about ends with fewer of them, so their number is halved and
then grows again, one by one (additive increase, multiplicative decrease, as TCP does it). One that
has another cause is waited for, ever longer.
"""

import threading
import time
from collections.abc import Callable

from storyboard_worker.backoff import Backoff
from storyboard_worker.errors import Resource, ResourceExhausted

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0
# What told of it at once would need the same resource, and be lost.
TOLD_AFTER_SECONDS = 1.0


class Pause:
    """Ends by itself; each is twice as long as the one before, unless all was well in between."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._waits = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._until - self._clock())

    def begin(self) -> bool:
        """False while one is under way: what is met then was begun before it."""
        now = self._clock()
        if now < self._until:
            return False
        if now - self._until > LONGEST_PAUSE_SECONDS:
            self.forget()
        self._until = now + self._waits.take()
        return True

    def forget(self) -> None:
        """The next one is short again."""
        self._waits.reset()


class Restraint:
    """Of one worker with so many ``slots``, shared by its threads."""

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots = slots
        self._clock = clock
        self._lock = threading.Lock()
        self._pause = Pause(clock)
        self._most = slots
        self._ended_well = 0
        self._untold: tuple[float, ResourceExhausted] | None = None
        self._reliefs: list[Callable[[], object]] = []

    def relieved_by(self, relief: Callable[[], object]) -> None:
        """``relief`` frees what can be done without; called with each lack."""
        self._reliefs.append(relief)

    def met(self, error: ResourceExhausted) -> None:
        """An attempt, or an exchange with the database, failed for want of something.

        Without room for the spool most images can be copied all the same.
        """
        for relief in self._reliefs:
            relief()
        with self._lock:
            self._untold = self._untold or (self._clock(), error)
            if error.resource is Resource.SPOOL:
                return
            if self._pause.begin():
                self._most = max(1, self._most // 2)
                self._ended_well = 0
            if error.retry_after_seconds is None:
                # Another worker may lack nothing, so its row does not wait for the end of a
                # long pause.
                error.retry_after_seconds = min(self._pause.seconds_left, FIRST_PAUSE_SECONDS)

    def ended_well(self) -> None:
        """An attempt lacked nothing."""
        if not self.holds_back:
            return
        with self._lock:
            if self._pause.seconds_left:
                return
            self._pause.forget()
            self._ended_well += 1
            if self._ended_well >= self._most:
                self._most = min(self._slots, self._most + 1)
                self._ended_well = 0

    @property
    def holds_back(self) -> bool:
        """Not every slot may be used."""
        return self._most < self._slots or self._pause.seconds_left > 0

    @property
    def most(self) -> int:
        """So many attempts may be under way."""
        return 0 if self._pause.seconds_left else self._most

    @property
    def withheld(self) -> int:
        """So many slots have to stay free."""
        return self._slots - self.most

    @property
    def seconds_until_change(self) -> float | None:
        """``None``: it is no pause that holds us back."""
        return self._pause.seconds_left or None

    def take_news(self, *, at_once: bool = False) -> ResourceExhausted | None:
        """A lack that is to be told."""
        with self._lock:
            if self._untold is None:
                return None
            met_at, error = self._untold
            if not at_once and self._clock() - met_at < TOLD_AFTER_SECONDS:
                return None
            self._untold = None
        return error
