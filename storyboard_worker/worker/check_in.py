"""The worker's cron monitor: Sentry misses it when it is dead, and when it no longer moves."""

from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.watchdog import Watchdog

CHECK_IN_SECONDS = 60.0
# An idle loop shows progress every 30 s; after 90 s without any the watchdog ends the process.
SILENT_AFTER_SECONDS = 45.0
# What a turn of the loop may take beside an exchange that is not answered.
TURN_SECONDS = 20.0


def silent_after_seconds(database_timeout_seconds: float) -> float:
    """How long a loop may show no progress that waits for the database."""
    return max(SILENT_AFTER_SECONDS, database_timeout_seconds + TURN_SECONDS)


def check_in(watchdog: Watchdog, reporter: Reporter, most_silent_seconds: float) -> None:
    """To be called every minute; a loop that shows no progress does not check in."""
    if watchdog.silent_seconds < most_silent_seconds:
        reporter.worker_check_in()
