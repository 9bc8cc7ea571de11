"""A source that is down is left alone: a few rows probe it, and other sources go on."""

import threading

import psycopg

from storyboard_worker.attempts.breaker import PROBES_AT_ONCE
from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from storyboard_worker.storyboard import upstream_of
from tests.support.panels import all_rows, enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, statuses, wait_for_statuses

ROWS = 8
DOWN_HOST = "127.0.0.2"


def attempts_at(producer: psycopg.Connection, host: str) -> int:
    rows = [row for row in all_rows(producer) if host in row["source_url"]]
    return sum(row["attempts"] for row in rows)


def paused_upstreams(producer: psycopg.Connection) -> set[str]:
    found = producer.execute("SELECT jsonb_object_keys(paused) FROM storyboard_workers")
    return {upstream for (upstream,) in found}


def test_a_host_that_is_down_is_left_alone_and_probed_by_a_few_rows(
    producer: psycopg.Connection, origin: Origin, down_origin: Origin, start_worker: StartWorker
) -> None:
    probes_may_end = threading.Event()
    worker = start_worker(WORKER_CONCURRENCY=str(ROWS))
    enqueue_panels(producer, down_origin, ROWS, [Answer(503), Hang(probes_may_end)])
    worker.wait_for_log("storyboard retried", ROWS)
    eventually(lambda: paused_upstreams(producer) == {upstream_of(down_origin.url)})

    # The pause is over. A few rows probe, and the other host goes on.
    down_origin.wait_for_requests(ROWS + PROBES_AT_ONCE, timeout_seconds=30)
    enqueue_panels(producer, origin, 3, prefix="during-the-probes")
    eventually(lambda: statuses(producer).get("ready") == 3)
    asked = attempts_at(producer, DOWN_HOST)
    # Others follow only because these probes hang.
    assert ROWS + PROBES_AT_ONCE <= asked <= ROWS + PROBES_AT_ONCE + 1

    probes_may_end.set()
    # It starts at once, not at the next look of the idle worker.
    wait_for_statuses(producer, timeout_seconds=10, ready=ROWS + 3)
    assert attempts_at(producer, DOWN_HOST) == 2 * ROWS
    eventually(lambda: paused_upstreams(producer) == set())
    assert worker.logged("upstream paused") == [], "it has not lasted a minute"


FAR_OFF = """
from storyboard_worker.attempts import breakers
from storyboard_worker.attempts import policy
policy.BACKOFF_BASE_SECONDS = policy.BACKOFF_MAX_SECONDS = 1e6
breakers.RECALLED_AFTER_SECONDS = 0
"""


def test_once_it_is_well_all_of_its_rows_come_back_whatever_their_delay(
    producer: psycopg.Connection, down_origin: Origin, start_worker: StartWorker
) -> None:
    """Rows are called before their time to probe, because no row is due."""
    worker = start_worker(FAR_OFF, WORKER_CONCURRENCY=str(ROWS))
    enqueue_panels(producer, down_origin, ROWS, [Answer(503)])
    worker.wait_for_log("storyboard retried", ROWS)
    wait_for_statuses(producer, timeout_seconds=10, ready=ROWS)
    assert attempts_at(producer, DOWN_HOST) == 2 * ROWS


FORGETFUL = """
from storyboard_worker.attempts import breaker
breaker.FORGOTTEN_AFTER_SECONDS = 0.5
"""


def test_an_upstream_that_no_row_needs_is_forgotten(
    producer: psycopg.Connection, down_origin: Origin, start_worker: StartWorker
) -> None:
    worker = start_worker(FORGETFUL, WORKER_CONCURRENCY=str(ROWS), LEASE_SECONDS="2")
    enqueue_panels(producer, down_origin, ROWS, [Answer(503, always=True)])
    worker.wait_for_log("storyboard retried", ROWS)
    eventually(lambda: paused_upstreams(producer) == {upstream_of(down_origin.url)})
    producer.execute("DELETE FROM storyboards")
    eventually(lambda: paused_upstreams(producer) == set(), timeout_seconds=15)
