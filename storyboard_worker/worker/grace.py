"""The hard end of a graceful stop."""

import logging
import os
import queue
import threading

from storyboard_worker.logs import event
from storyboard_worker.shutdown import exit_within

EXIT_STOPPED = 0
# Without any grace, giving rows back must be possible all the same.
SHORTEST_SECONDS = 1.0
LAST_WORDS_SECONDS = 1.0


class Grace:
    """A thread that ends the process when a stop takes longer than ``seconds``.

    A database that takes connections and never answers would otherwise hold the stop up for
    one time-out after the other. Nothing is lost by the hard end: leases lapse, and rows are
    rescued.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = max(seconds, SHORTEST_SECONDS)
        # Not an Event: a signal handler puts into it.
        self._begun: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grace", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def begin(self) -> None:
        """The stop was requested; may be called inside a signal handler."""
        self._begun.put(None)

    def over(self) -> None:
        """The stop is done."""
        self._over.set()

    def _run(self) -> None:
        self._begun.get()
        if not self._over.wait(self._seconds):
            exit_within(LAST_WORDS_SECONDS, EXIT_STOPPED)
            event(logging.WARNING, "the grace is over, stopping at once", seconds=self._seconds)
            os._exit(EXIT_STOPPED)
