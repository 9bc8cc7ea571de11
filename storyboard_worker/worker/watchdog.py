"""The watchdog: a worker that is alive but does nothing is worse than a dead one."""

import logging
import os
import threading

from storyboard_worker.logs import event
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.shutdown import exit_within

EXIT_STUCK = 70
TICK_SECONDS = 5.0
STUCK_AFTER_SECONDS = 90.0
LAST_WORDS_SECONDS = 10.0


class Watchdog:
    """Ends the process with exit code 70 when nobody calls :meth:`progress` for 90 s.

    Time is counted in ticks of its own, not read from a clock: a process that was stopped
    (SIGSTOP, a suspended machine) wakes up with no ticks missed, and is not stuck.
    """

    def __init__(
        self, reporter: Reporter, *, stuck_after_seconds: float = STUCK_AFTER_SECONDS
    ) -> None:
        self._reporter = reporter
        self._stuck_after_seconds = stuck_after_seconds
        self._silent_seconds = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    @property
    def silent_seconds(self) -> float:
        """How long the loop has shown no progress."""
        return self._silent_seconds

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def progress(self) -> None:
        """The loop moves (waiting for a database that is away counts)."""
        self._silent_seconds = 0.0

    def _run(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            self._silent_seconds += TICK_SECONDS
            if self._silent_seconds >= self._stuck_after_seconds:
                self._end()

    def _end(self) -> None:
        exit_within(LAST_WORDS_SECONDS, EXIT_STUCK)
        message = "The worker is stuck: it ends itself so that the platform restarts it"
        event(logging.CRITICAL, message, silent_seconds=self._silent_seconds)
        self._reporter.alarm(
            "stuck",
            message,
            next_step="storyboard-worker status; look at the log before it ended",
            silent_seconds=self._silent_seconds,
        )
        self._reporter.close()
        # The main thread hangs, so nothing but this ends the process.
        os._exit(EXIT_STUCK)
