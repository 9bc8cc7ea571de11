"""Stops the process on a signal: gracefully on the first, at once on the second."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

EXIT_AT_ONCE = 1
STDERR = 2
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def exit_within(seconds: float, code: int) -> None:
    """End the process with ``code`` then, whatever else is done until then: a log that nobody
    drains, or a Sentry that is away, must not hold an end up."""
    end = threading.Timer(seconds, os._exit, [code])
    end.daemon = True
    end.start()


def last_words(line: bytes) -> None:
    """To stderr, past all buffers and locks; lost where it is closed or full."""
    with suppress(OSError):
        os.write(STDERR, line)


class Shutdown:
    """Whether the process was asked to stop.

    ``on_request`` callbacks run inside a signal handler, so they must not take a lock of the main
    thread. ``queue.SimpleQueue.put`` is safe there, ``Event.set`` is not.
    """

    def __init__(self) -> None:
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
        """Inside, like :meth:`on_request`, for work that ends long before the process does."""
        self.on_request(callback)
        try:
            yield
        finally:
            self._callbacks.remove(callback)

    def request(self) -> None:
        self._requested = True
        # Other threads may leave :meth:`calling` during this loop.
        for callback in tuple(self._callbacks):
            callback()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Inside, SIGTERM and SIGINT request the stop, and a second one ends the process at once.

        The exit code is then 1, and the leases of rows under way lapse. For the main thread only.
        """
        before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._requested:
            # Not sys.exit, which would wait for threads that wait for the network.
            last_words(b"second signal: stopping at once\n")
            os._exit(EXIT_AT_ONCE)
        self.request()
