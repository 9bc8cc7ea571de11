"""What a worker does with how its keeper fares: an alarm when it fails, an end when it hangs."""

from storyboard_worker.worker.keeper import Watcher
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.watchdog import Watchdog

# Rescuing and expiring many rows from a slow database.
LONGEST_DUTY_SECONDS = 120.0


class KeeperWatcher(Watcher):
    """``interval_seconds``: how long the keeper waits between its rounds."""

    def __init__(self, outage: Outage, watchdog: Watchdog, interval_seconds: float) -> None:
        self._outage = outage
        self._watched = watchdog.watch(
            "keeper", within_seconds=interval_seconds + LONGEST_DUTY_SECONDS
        )

    def failed(self, error: Exception) -> None:
        self._outage.keeper_failed(error)

    def is_well(self) -> None:
        self._outage.keeper_is_well()

    def moves(self) -> None:
        self._watched.progress()
