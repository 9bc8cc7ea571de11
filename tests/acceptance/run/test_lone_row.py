"""A single row waits for the end of an outage, and only a lasting outage is reported."""

import signal

import psycopg
import pytest

from storyboard_worker.demo.faults import Answer, SourceFault
from storyboard_worker.demo.origin import Origin
from tests.support.panels import IMAGE, all_rows, enqueue_panel
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, wait_for_statuses

SHORT = """
from storyboard_worker.attempts import policy
policy.BACKOFF_BASE_SECONDS = policy.BACKOFF_MAX_SECONDS = 0.1
"""
MANY = 12


def test_a_source_that_is_down_for_long_costs_no_image_and_is_told_once(
    producer: psycopg.Connection, origin: Origin, sentry: SentryServer, start_worker: StartWorker
) -> None:
    enqueue_panel(producer, origin, "lone.jpg", [Answer(503, always=True)])
    worker = start_worker(SHORT, SENTRY_DSN=sentry.dsn)
    worker.wait_for_log("storyboard retried", MANY)
    origin.put("lone.jpg", IMAGE)
    wait_for_statuses(producer, ready=1)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    [row] = all_rows(producer)
    assert row["attempts"] > MANY
    assert row["own_errors"] == 0
    [event] = sentry.events
    assert (event["level"], event["tags"]["attempt"]) == ("warning", "8")
    assert event["tags"]["error_code"] == "source_unavailable"


@pytest.mark.parametrize(
    "fault", [Answer(429, headers={"Retry-After": "1"}), Answer(503)], ids=["limited", "down"]
)
def test_an_outage_of_a_moment_is_not_told(
    producer: psycopg.Connection,
    origin: Origin,
    sentry: SentryServer,
    start_worker: StartWorker,
    fault: SourceFault,
) -> None:
    enqueue_panel(producer, origin, "lone.jpg", [fault])
    worker = start_worker(SENTRY_DSN=sentry.dsn)
    wait_for_statuses(producer, ready=1)
    eventually(lambda: origin.requests)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert sentry.events == []
