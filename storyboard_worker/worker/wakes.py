"""What wakes the claim loop."""

import math
import os
import select
import signal
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        os.set_blocking(self._rope, False)
        self._is_rung = False

    @contextmanager
    def rung_by_signals(self) -> Iterator[None]:
        """Inside, each signal of this process ends the wait, so that its handler runs.

        By itself a signal does not end a wait that begins in this moment, nor when another thread
        has received it. Only the main thread runs handlers; in any other nothing changes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.set_wakeup_fd(self._rope, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def put(self, wake: Wake) -> None:
        self._put.append(wake)
        if not self._is_rung:
            self._is_rung = True
            # Full only of signals: then it is rung.
            with suppress(BlockingIOError):
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
