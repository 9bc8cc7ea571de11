"""When a process that died is started again."""

from storyboard_worker.backoff import Backoff

# One that lived so long did not die of what it met at its start.
LONG_LIFE_SECONDS = 60.0
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0


class Restarts:
    """Of one process: at once, then after ever longer waits while it dies soon again."""

    def __init__(self) -> None:
        self._waits = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        self._died_soon = False

    def wait_seconds(self, lived_seconds: float) -> float:
        """It has died after so long: how long to wait before the next start."""
        if lived_seconds >= LONG_LIFE_SECONDS:
            self._waits.reset()
            self._died_soon = False
        if self._died_soon:
            return self._waits.take()
        self._died_soon = True
        return 0.0
