"""What wakes the claim loop."""

import math
import os
import select
from collections import deque
from enum import Enum, auto

from storyboard_worker.worker.ear import Ear

PIPE_BYTES = 4096


class Wake(Enum):
    """Why the loop is woken."""

    WORKED = auto()
    ROW_ARRIVED = auto()
    STOP = auto()


class Wakes:
    """Any thread puts, and signal handlers do. The loop waits for them and for the ``ear``.

    The pipe by which the others wake the loop stays open as long as the process lives.
    """

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        # A lock would deadlock in a signal handler. These two calls need none.
        self._put: deque[Wake] = deque()
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._bell, False)
        self._is_rung = False

    def put(self, wake: Wake) -> None:
        self._put.append(wake)
        if not self._is_rung:
            self._is_rung = True
            os.write(self._rope, b"!")

    def within(self, seconds: float) -> set[Wake]:
        """All that have come, as soon as one has; empty when none comes in time, or when a proof
        is heard."""
        ready = self._ready(0.0 if self._put else seconds)
        if self._bell in ready:
            os.read(self._bell, PIPE_BYTES)
        # Before the look at what was put: what comes later rings again.
        self._is_rung = False
        woken: set[Wake] = set()
        while self._put:
            woken.add(self._put.popleft())
        if ready - {self._bell} and self._ear.hear():
            woken.add(Wake.ROW_ARRIVED)
        return woken

    def _ready(self, seconds: float) -> set[int]:
        """The descriptors that can be read, as soon as one can."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        heard_at = self._ear.descriptor
        if heard_at is not None:
            poll.register(heard_at, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(math.ceil(seconds * 1000))}
