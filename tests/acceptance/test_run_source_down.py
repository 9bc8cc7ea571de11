"""One source is down for everybody: it is left alone, the others go on, one row probes."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from tests.acceptance.panels import all_rows, enqueue_panel, enqueue_panels
from tests.acceptance.running_worker import StartWorker
from tests.acceptance.waiting import eventually, wait_for_statuses

ROWS = 8
DOWN_HOST = "127.0.0.2"


@pytest.fixture
def down_origin() -> Iterator[Origin]:
    """Another host than the one that is well."""
    with Origin(address=DOWN_HOST) as origin:
        yield origin


def due(producer: psycopg.Connection) -> int:
    found = producer.execute(
        "SELECT id FROM storyboards WHERE status = 'pending' AND available_at <= now()"
    )
    return found.rowcount


def attempts_at(producer: psycopg.Connection, host: str) -> int:
    rows = [row for row in all_rows(producer) if host in row["source_url"]]
    return sum(row["attempts"] for row in rows)


def test_a_host_that_is_down_is_paused_and_probed_by_one_row(
    producer: psycopg.Connection, origin: Origin, down_origin: Origin, start_worker: StartWorker
) -> None:
    probe_may_end = threading.Event()
    worker = start_worker(WORKER_CONCURRENCY=str(ROWS))
    enqueue_panels(producer, down_origin, ROWS, [Answer(503), Hang(probe_may_end)])
    [line] = worker.wait_for_log("upstream paused")
    assert (line["upstream"], line["error_code"]) == (DOWN_HOST, "source_unavailable")
    worker.wait_for_log("storyboard retried", ROWS)

    # Meanwhile the other host's rows are done, although those of this one are due again.
    eventually(lambda: due(producer) == ROWS)
    enqueue_panels(producer, origin, 3, prefix="during-the-pause")
    wait_for_statuses(producer, ready=3, pending=ROWS)
    assert len(down_origin.requests) == ROWS

    # The pause is over: one row probes, nobody else does, and the other host still goes on.
    down_origin.wait_for_requests(ROWS + 1, timeout_seconds=50)
    enqueue_panel(producer, origin, "during-the-probe.jpg")
    wait_for_statuses(producer, ready=4, processing=1, pending=ROWS - 1)
    assert len(down_origin.requests) == attempts_at(producer, DOWN_HOST) == ROWS + 1

    probe_may_end.set()
    # At once, not when the idle worker looks again.
    wait_for_statuses(producer, timeout_seconds=10, ready=ROWS + 4)
    assert attempts_at(producer, DOWN_HOST) == 2 * ROWS
    assert len(worker.logged("upstream paused")) == 1
