"""The watchdog: a worker that is alive but does nothing is worse than a dead one."""

import logging
import threading
from collections.abc import Callable
from typing import NoReturn

from storyboard_worker.hard_end import end_process
from storyboard_worker.logs import event
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.vitals import Vitals

EXIT_STUCK = 70
TICK_SECONDS = 5.0
STUCK_AFTER_SECONDS = 90.0
LAST_WORDS_SECONDS = 10.0
LOOP = "claim loop"


def _never() -> bool:
    return False


class Watched:
    """One thing that has to move; ``moves`` may say so where it does not call
    :meth:`progress`."""

    def __init__(
        self, name: str, *, stuck_after_seconds: float, moves: Callable[[], bool] = _never
    ) -> None:
        self.name = name
        self.silent_seconds = 0.0
        self._stuck_after_seconds = stuck_after_seconds
        self._moves = moves

    def progress(self) -> None:
        """It moves (waiting for a database that is away counts)."""
        self.silent_seconds = 0.0

    def is_stuck_after(self, seconds: float) -> bool:
        """Whether it is, now that so much more time has passed."""
        self.silent_seconds = 0.0 if self._moves() else self.silent_seconds + seconds
        return self.silent_seconds >= self._stuck_after_seconds


class Watchdog:
    """Ends the process with exit code 70 when the claim loop shows no progress for 90 s, or
    something else that :meth:`watch` was told of is stuck.

    Time is counted in ticks of its own, not read from a clock: a process that was stopped
    (SIGSTOP, a suspended machine) wakes up with no ticks missed, and is not stuck.
    """

    def __init__(
        self,
        reporter: Reporter,
        *,
        stuck_after_seconds: float = STUCK_AFTER_SECONDS,
        patience_seconds: float = 0.0,
        vitals: Vitals | None = None,
    ) -> None:
        """``patience_seconds``: what something well may take, if that is more. ``vitals`` hear of
        the loop's progress."""
        self._reporter = reporter
        self._vitals = vitals or Vitals()
        self._stuck_after_seconds = max(stuck_after_seconds, patience_seconds)
        self._loop = Watched(LOOP, stuck_after_seconds=self._stuck_after_seconds)
        self._watched = [self._loop]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def watch(
        self, name: str, *, within_seconds: float = 0.0, moves: Callable[[], bool] = _never
    ) -> Watched:
        """Watch something else, which may take ``within_seconds`` longer than the loop."""
        limit_seconds = self._stuck_after_seconds + within_seconds
        watched = Watched(name, stuck_after_seconds=limit_seconds, moves=moves)
        self._watched.append(watched)
        return watched

    @property
    def silent_seconds(self) -> float:
        """How long the loop has shown no progress."""
        return self._loop.silent_seconds

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._vitals.loop_ends()

    def progress(self) -> None:
        """The loop moves."""
        self._loop.progress()
        self._vitals.loop_moved()

    def _run(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            self._vitals.ticked()
            for watched in self._watched:
                if watched.is_stuck_after(TICK_SECONDS):
                    self._end(watched)

    def _end(self, watched: Watched) -> NoReturn:
        end_process(EXIT_STUCK, lambda: self._tell(watched), tell_seconds=LAST_WORDS_SECONDS)

    def _tell(self, watched: Watched) -> None:
        message = "The worker is stuck: it ends itself so that the platform restarts it"
        facts = {"stuck": watched.name, "silent_seconds": watched.silent_seconds}
        event(logging.CRITICAL, message, **facts)
        self._reporter.alarm(
            "stuck",
            message,
            next_step="storyboard-worker status; look at the log before it ended",
            **facts,
        )
        self._reporter.close()
