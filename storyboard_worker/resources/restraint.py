"""Limits the attempts of a worker after a lack of its own: none for a moment, then fewer.

A lack that its own attempts cause ends with fewer of them. So their number is halved and then
grows again, one by one (additive increase, multiplicative decrease, as in TCP). A lack with
another cause is waited for, each time longer.
"""

import threading
import time
from collections.abc import Callable

from storyboard_worker.backoff import Backoff
from storyboard_worker.errors import Resource, ResourceExhausted

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0
# A report at once would need the same resource and be lost.
TOLD_AFTER_SECONDS = 1.0


class Pause:
    """Ends by itself. Each is twice as long as the one before, unless all was well in between."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._waits = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._until - self._clock())

    def begin(self) -> bool:
        """Begin a pause. False while one lasts: this lack comes from attempts begun before it."""
        now = self._clock()
        if now < self._until:
            return False
        if now - self._until > LONGEST_PAUSE_SECONDS:
            self.forget()
        self._until = now + self._waits.take()
        return True

    def forget(self) -> None:
        """The next pause is short again."""
        self._waits.reset()


class Restraint:
    """The restraint of one worker with so many ``slots``. Its threads share it."""

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
        """``relief`` frees what the worker can do without. It is called at each lack."""
        self._reliefs.append(relief)

    def met(self, error: ResourceExhausted) -> None:
        """An attempt, or an exchange with the database, failed for a lack.

        A lack of room for the spool does not reduce the attempts, because most images need none.
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
        """How many attempts may run."""
        return 0 if self._pause.seconds_left else self._most

    @property
    def withheld(self) -> int:
        """How many slots have to stay free."""
        return self._slots - self.most

    @property
    def seconds_until_change(self) -> float | None:
        """Seconds until the pause ends; ``None`` while there is none."""
        return self._pause.seconds_left or None

    def take_news(self, *, at_once: bool = False) -> ResourceExhausted | None:
        """A lack to report, once; ``None`` if there is none or it is too early."""
        with self._lock:
            if self._untold is None:
                return None
            met_at, error = self._untold
            if not at_once and self._clock() - met_at < TOLD_AFTER_SECONDS:
                return None
            self._untold = None
        return error
