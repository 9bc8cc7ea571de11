"""The worker's cron monitor: Sentry misses it when it is dead, and when it no longer moves."""

from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.watchdog import Watchdog

PULSE_SECONDS = 60.0
# An idle loop shows progress every 30 s; after 90 s without any the watchdog ends the process.
SILENT_AFTER_SECONDS = 45.0


def check_in(watchdog: Watchdog, reporter: Reporter) -> None:
    """To be called every minute; a loop that shows no progress does not check in."""
    if watchdog.silent_seconds < SILENT_AFTER_SECONDS:
        reporter.worker_check_in()
