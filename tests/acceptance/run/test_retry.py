"""A row that waits for another attempt gets it when it is due, not at the next poll."""

import psycopg

from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panel
from tests.support.running_worker import StartWorker
from tests.support.waiting import wait_for_statuses

# Polling is rare while the worker listens, and would take up to 30 s.
SOON_SECONDS = 12.0


def test_after_an_error_it_is_tried_again_by_itself(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    start_worker(LEASE_SECONDS="60").wait_for_log("listening for new rows")
    enqueue_panel(producer, origin, faults=[Answer(503)])
    wait_for_statuses(producer, timeout_seconds=SOON_SECONDS, ready=1)
    assert all_rows(producer)[0]["attempts"] == 2


def test_after_a_rate_limit_it_is_tried_again_when_the_source_said(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    start_worker(LEASE_SECONDS="60").wait_for_log("listening for new rows")
    enqueue_panel(producer, origin, faults=[Answer(429, headers={"Retry-After": "2"})])
    wait_for_statuses(producer, timeout_seconds=SOON_SECONDS, ready=1)
    [row] = all_rows(producer)
    assert row["attempts"] == 1
    first, second = origin.requests
    assert second.arrived_at - first.arrived_at >= 2
