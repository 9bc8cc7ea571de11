"""A running worker checks in with Sentry's cron monitors, and reports what it has counted."""

import json
import signal
from typing import Any

import psycopg

from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, wait_for_statuses

ROWS = 30
OFTEN = """
import storyboard_worker.worker.crew as crew
import storyboard_worker.reporting.event_throttle as flood
crew.CHECK_IN_SECONDS = 0.2
flood.SUMMARY_AFTER_SECONDS = 0.5
"""


def check_ins(sentry: SentryServer) -> list[dict[str, Any]]:
    return [json.loads(item.payload) for item in sentry.items if item.type == "check_in"]


def test_it_checks_in_again_and_again(sentry: SentryServer, start_worker: StartWorker) -> None:
    start_worker(OFTEN, SENTRY_DSN=sentry.dsn, SENTRY_WORKER_MONITOR="copier")
    eventually(lambda: len(check_ins(sentry)) >= 3)
    assert {(told["monitor_slug"], told["status"]) for told in check_ins(sentry)} == {
        ("copier", "ok")
    }


def test_counted_failures_are_told_while_it_runs(
    producer: psycopg.Connection,
    origin: Origin,
    sentry: SentryServer,
    start_worker: StartWorker,
) -> None:
    enqueue_panels(producer, origin, ROWS, [Answer(410, always=True)])
    start_worker(OFTEN, SENTRY_DSN=sentry.dsn)
    wait_for_statuses(producer, failed=ROWS)

    def told() -> int:
        counts = (event["contexts"]["storyboard"].get("count", 1) for event in sentry.events)
        return sum(counts)

    eventually(lambda: told() == ROWS)
    assert len({tuple(event["fingerprint"]) for event in sentry.events}) == 1
    named = producer.execute("SELECT DISTINCT sentry_event_id FROM storyboards").fetchall()
    assert {event["event_id"] for event in sentry.events} >= {name for (name,) in named}


def test_the_last_counted_failures_are_told_when_it_stops(
    producer: psycopg.Connection,
    origin: Origin,
    sentry: SentryServer,
    start_worker: StartWorker,
) -> None:
    enqueue_panels(producer, origin, ROWS, [Answer(410, always=True)])
    worker = start_worker(SENTRY_DSN=sentry.dsn)
    wait_for_statuses(producer, failed=ROWS)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    *full, summary = sentry.events
    assert len(full) == 3
    assert summary["contexts"]["storyboard"]["count"] == ROWS - 3
