"""How soon a row starts that is inserted while the worker is idle."""

import statistics
import time

import psycopg

from storyboard_worker.demo.origin import Origin
from tests.support.panels import plant
from tests.support.producing import enqueue
from tests.support.running_worker import StartWorker
from tests.support.waiting import wait_for_statuses


def start_delays(producer: psycopg.Connection, origin: Origin, count: int) -> list[float]:
    """The seconds from each row's commit to the request at the source, one row after the other."""
    delays = []
    for number in range(1, count + 1):
        url = plant(origin, f"panel-{number}.jpg")
        enqueue(producer, url)
        committed_at = time.monotonic()
        request = origin.wait_for_requests(number)[-1]
        delays.append(request.arrived_at - committed_at)
        wait_for_statuses(producer, ready=number)
    return delays


def test_with_listen_a_row_starts_within_50_ms(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    start_worker().wait_for_log("listening for new rows")
    delays = start_delays(producer, origin, 7)
    assert statistics.median(delays) < 0.05, delays


def test_behind_a_transaction_pooler_a_row_starts_within_the_poll_interval(
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    pooled_url: str,
) -> None:
    worker = start_worker(DATABASE_URL=pooled_url, POLL_INTERVAL_SECONDS="1")
    worker.wait_for_log("polling: LISTEN does not work here")
    delays = start_delays(producer, origin, 4)
    assert max(delays) < 1 + 0.5, delays
    assert not worker.logged("listening for new rows")
