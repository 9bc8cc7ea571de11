"""Stops the process on a signal: gracefully on the first, at once on the second."""

import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from storyboard_worker.hard_end import write_to_stderr

EXIT_AT_ONCE = 1
SIGNALS = (signal.SIGTERM, signal.SIGINT)
# How late a signal may be noticed in a wait that it does not end by itself.
NOTICE_SECONDS = 0.5

Item = TypeVar("Item")


def take_noticing_signals(items: queue.SimpleQueue[Item], seconds: float) -> Item:
    """The next of ``items``. Raises :class:`queue.Empty` after ``seconds``.

    A signal that comes in the moment before a wait does not end it, nor does one that another
    thread has received. So it waits in slices, and between two of them the handler runs.
    """
    ends_at = time.monotonic() + seconds
    while True:
        left = ends_at - time.monotonic()
        try:
            return items.get(timeout=max(0.0, min(left, NOTICE_SECONDS)))
        except queue.Empty:
            if left <= NOTICE_SECONDS:
                raise


class Shutdown:
    """Whether a stop was requested.

    ``on_request`` callbacks run inside a signal handler, so they must not take a lock of the main
    thread. ``queue.SimpleQueue.put`` is safe there, ``Event.set`` is not.

    ``second_ends``: a second signal ends the process at once. A process with a parent above it
    leaves that to the parent, because both may get the same signal of a terminal.
    """

    def __init__(self, *, second_ends: bool = True) -> None:
        self._second_ends = second_ends
        self._requested = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        return self._requested

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` at the request to stop, at once if it has come already."""
        self._callbacks.append(callback)
        if self._requested:
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Like :meth:`on_request`, but only inside the block."""
        self.on_request(callback)
        try:
            yield
        finally:
            self._callbacks.remove(callback)

    def request(self) -> None:
        self._requested = True
        # Other threads may leave :meth:`calling` at the same time.
        for callback in tuple(self._callbacks):
            callback()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Inside, SIGTERM and SIGINT request the stop. A second one may end the process at once.

        The exit code is then 1, and the leases of rows under way lapse. For the main thread only.
        """
        before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if not self._requested:
            self.request()
        elif self._second_ends:
            # Not sys.exit: it would wait for threads that wait for the network.
            write_to_stderr(b"second signal: stopping at once\n")
            os._exit(EXIT_AT_ONCE)
