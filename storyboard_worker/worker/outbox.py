"""From the slots to the thread that owns them: attempts whose outcome is to be written."""

import queue
import time
from collections.abc import Callable, Sequence

from storyboard_worker.attempts.outcome import Worked
from storyboard_worker.backoff import Backoff

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0


class Outbox:
    """Any thread puts; one thread takes. What the database did not take is kept, and tried again
    ever more rarely."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._arrived: queue.SimpleQueue[Worked | None] = queue.SimpleQueue()
        self._seen: list[Worked] = []
        self._kept: list[Worked] = []
        self._again_at = 0.0
        self._backoff = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)

    def put(self, worked: Worked) -> None:
        self._arrived.put(worked)

    def nudge(self) -> None:
        """End a :meth:`wait`: something else has come."""
        self._arrived.put(None)

    def take(self) -> list[Worked]:
        """What has come; and what was kept, if it is time to try it again."""
        taken, self._seen = self._seen, []
        while not self._arrived.empty():
            self._receive(taken)
        if self._kept and self._clock() >= self._again_at:
            taken, self._kept = self._kept + taken, []
        return taken

    def take_all(self) -> list[Worked]:
        """Whatever there is."""
        self._again_at = 0.0
        return self.take()

    def keep(self, waiting: Sequence[Worked]) -> None:
        """These have to be tried again. An empty list means that all were written."""
        if not waiting:
            if not self._kept:
                self._backoff.reset()
            return
        if not self._kept:
            self._again_at = self._clock() + self._backoff.take()
        self._kept += waiting

    @property
    def seconds_until_again(self) -> float | None:
        """``None``: nothing is kept."""
        return max(0.0, self._again_at - self._clock()) if self._kept else None

    def wait(self, seconds: float) -> None:
        """Until something comes or is to be tried again, at most so long."""
        again = self.seconds_until_again
        if self._seen or seconds <= 0:
            return
        try:
            self._receive(self._seen, seconds if again is None else min(seconds, again))
        except queue.Empty:
            return

    def _receive(self, into: list[Worked], timeout_seconds: float | None = None) -> None:
        arrived = self._arrived.get(timeout=timeout_seconds)
        if arrived is not None:
            into.append(arrived)
