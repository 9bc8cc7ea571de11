"""An outcome that the database refuses ends no slot, and is reported."""

import psycopg
import pytest

from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.support.http_client import call
from tests.support.panels import enqueue_panel, enqueue_panels, requests_for
from tests.support.ports import free_port
from tests.support.producing import storyboard
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, wait_for_statuses

# A trigger or a check that an owner may have added, and how the bad row ends with it.
REFUSALS = {
    "no row may fail": ("ADD CHECK (status <> 'failed')", {"pending", "processing"}),
    "no error may stand on a row but this": (
        "ADD CHECK (error_code = 'unexpected')",
        {"failed"},
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_other_rows_go_on_and_an_event_is_sent(
    refusal: str,
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    sentry: SentryServer,
) -> None:
    change, ends = REFUSALS[refusal]
    producer.execute(f"ALTER TABLE storyboards {change}".encode())
    port = free_port()
    worker = start_worker(SENTRY_DSN=sentry.dsn, PORT=str(port), WORKER_CONCURRENCY="2")
    bad = enqueue_panel(producer, origin, "bad.jpg", [Answer(410, always=True)])
    worker.wait_for_log("storyboard failed")
    enqueue_panels(producer, origin, 5)
    worker.wait_for_log("storyboard ready", 5)
    worker.wait_for_log("a row is refused by the database")
    eventually(lambda: bad_events(sentry, str(bad)))
    assert 'storyboard_attempts_total{outcome="failed"} 1.0' in call(port, "/metrics").text
    row = storyboard(producer, bad)
    assert row["status"] in ends
    # The row is not tried again and again.
    worker.wait_for_log("storyboard ready", 5)
    assert requests_for(origin, row["source_url"]) == 1


def bad_events(sentry: SentryServer, bad: str) -> list[str]:
    """The error codes that were reported of the row."""
    return [e["tags"].get("error_code", "") for e in sentry.events if bad in str(e)]


def test_a_row_that_cannot_even_fail_is_left_alone_after_its_lease(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    producer.execute("ALTER TABLE storyboards ADD CHECK (status <> 'failed')")
    worker = start_worker(LEASE_SECONDS="1")
    bad = enqueue_panel(producer, origin, "bad.jpg", [Answer(410, always=True)])
    worker.wait_for_log("storyboard rescued")
    enqueue_panels(producer, origin, 5)
    wait_for_statuses(producer, ready=5, pending=1)
    assert requests_for(origin, storyboard(producer, bad)["source_url"]) == 1
