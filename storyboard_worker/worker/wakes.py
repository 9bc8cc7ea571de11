"""What wakes the claim loop."""

import queue
from enum import Enum, auto


class Wake(Enum):
    """Why the loop is woken."""

    WORKED = auto()
    ROW_ARRIVED = auto()
    STOP = auto()


class Wakes:
    """Any thread puts, and signal handlers do; the loop waits."""

    def __init__(self) -> None:
        # Not an Event: only this is made for threads and signal handlers alike.
        self._queue: queue.SimpleQueue[Wake] = queue.SimpleQueue()

    def put(self, wake: Wake) -> None:
        self._queue.put(wake)

    def within(self, seconds: float) -> set[Wake]:
        """All that have come, as soon as one has; empty when none comes in time."""
        try:
            woken = {self._queue.get(timeout=seconds)}
        except queue.Empty:
            return set()
        while not self._queue.empty():
            woken.add(self._queue.get())
        return woken
