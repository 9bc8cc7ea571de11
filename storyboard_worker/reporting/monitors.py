"""Cron monitors: Sentry misses a process that no longer checks in.

A monitor is created by its own check-in
(https://docs.sentry.io/platforms/python/crons/).
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sentry_sdk.crons import capture_checkin
from sentry_sdk.crons.consts import MonitorStatus

from storyboard_worker.settings.sentry import SentrySettings

# Railway's cron drifts by minutes.
SWEEP_MARGIN_MINUTES = 5
WORKER_MARGIN_MINUTES = 2
# What a sweep may take beyond its time, until its hard end.
SWEEP_SPARE_MINUTES = 2


@contextmanager
def sweep_monitored(settings: SentrySettings, max_seconds: float) -> Iterator[None]:
    """Check in at the beginning and at the end, as failed if an error passes."""
    config: Any = {
        "schedule": {"type": "crontab", "value": settings.sweep_schedule},
        "timezone": "UTC",
        "checkin_margin": SWEEP_MARGIN_MINUTES,
        "max_runtime": math.ceil(max_seconds / 60) + SWEEP_SPARE_MINUTES,
    }
    slug = settings.sweep_monitor
    check_in_id = capture_checkin(slug, status=MonitorStatus.IN_PROGRESS, monitor_config=config)
    started = time.monotonic()
    status = MonitorStatus.ERROR
    try:
        yield
        status = MonitorStatus.OK
    finally:
        duration = time.monotonic() - started
        capture_checkin(slug, check_in_id, status, duration, config)


def worker_check_in(settings: SentrySettings) -> None:
    """The worker makes progress; to be called once a minute."""
    config: Any = {
        "schedule": {"type": "interval", "value": 1, "unit": "minute"},
        "checkin_margin": WORKER_MARGIN_MINUTES,
        "max_runtime": WORKER_MARGIN_MINUTES,
    }
    capture_checkin(settings.worker_monitor, status=MonitorStatus.OK, monitor_config=config)
