"""Check-ins with Sentry's cron monitors, as the real SDK sends them."""

import json
from typing import Any

import pytest

from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.check_in import SILENT_AFTER_SECONDS, check_in
from storyboard_worker.worker.watchdog import Watchdog
from tests.support.sentry_reports import reporting_to
from tests.support.sentry_server import SentryServer


def check_ins(reporter: Reporter, sentry: SentryServer) -> list[dict[str, Any]]:
    reporter.close()
    return [json.loads(item.payload) for item in sentry.items if item.type == "check_in"]


def test_a_sweep_checks_in_at_its_beginning_and_end(sentry: SentryServer) -> None:
    with reporting_to(sentry) as reporter:
        with reporter.sweep_monitored(240):
            pass
        began, ended = check_ins(reporter, sentry)
    assert (began["monitor_slug"], began["status"]) == ("storyboard-sweep", "in_progress")
    assert (ended["check_in_id"], ended["status"]) == (began["check_in_id"], "ok")
    assert ended["duration"] >= 0
    assert began["monitor_config"] == {
        "schedule": {"type": "crontab", "value": "*/5 * * * *"},
        "timezone": "UTC",
        "checkin_margin": 5,
        "max_runtime": 6,
    }


def test_a_sweep_that_breaks_says_so(sentry: SentryServer) -> None:
    with reporting_to(sentry) as reporter:
        with pytest.raises(ZeroDivisionError), reporter.sweep_monitored(240):
            raise ZeroDivisionError
        _, ended = check_ins(reporter, sentry)
    assert ended["status"] == "error"


def test_a_worker_checks_in_while_its_loop_moves(sentry: SentryServer) -> None:
    with reporting_to(sentry) as reporter:
        watchdog = Watchdog(reporter)
        check_in(watchdog, reporter, SILENT_AFTER_SECONDS)
        watchdog._loop.silent_seconds = SILENT_AFTER_SECONDS
        check_in(watchdog, reporter, SILENT_AFTER_SECONDS)
        (told,) = check_ins(reporter, sentry)
    assert (told["monitor_slug"], told["status"]) == ("storyboard-worker", "ok")
    assert told["monitor_config"]["schedule"] == {
        "type": "interval",
        "value": 1,
        "unit": "minute",
    }
