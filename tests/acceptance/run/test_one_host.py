"""Broken images of a host do not hold up its other images."""

import threading

import psycopg
import pytest

from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from storyboard_worker.storyboard import upstream_of
from tests.support.mixed_rows import enqueue_some, ready, wait_for_ready
from tests.support.producing import enqueue
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually

BROKEN = [Answer(503, always=True)]
PATIENCE_SECONDS = 15.0
READ_TIMEOUT_SECONDS = 3


@pytest.mark.parametrize("priority", [10, 0, -10], ids=["first", "among", "last"])
def test_broken_objects_do_not_hold_up_good_ones(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, priority: int
) -> None:
    broken = enqueue_some(producer, origin, "broken", 40, BROKEN, priority)
    good = enqueue_some(producer, origin, "good", 60)
    start_worker()
    wait_for_ready(producer, good, PATIENCE_SECONDS)
    assert ready(producer, broken) == 0


def test_a_good_row_that_comes_later_starts_soon(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    start_worker()
    enqueue_some(producer, origin, "broken", 6, BROKEN)
    origin.wait_for_requests(12, timeout_seconds=60)
    good = enqueue_some(producer, origin, "good", 10)
    wait_for_ready(producer, good, 8.0)


def test_downloads_that_hang_do_not_hold_up_good_ones(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    never = threading.Event()
    hanging = enqueue_some(producer, origin, "hangs", 8, [Hang(never, always=True)], priority=10)
    good = enqueue_some(producer, origin, "good", 60)
    start_worker(READ_TIMEOUT_SECONDS=str(READ_TIMEOUT_SECONDS), WORKER_CONCURRENCY="8")
    # They have all slots once, and a quarter of them after that.
    wait_for_ready(producer, good, PATIENCE_SECONDS + 2 * READ_TIMEOUT_SECONDS)
    assert ready(producer, hanging) == 0
    more = enqueue_some(producer, origin, "more", 30)
    wait_for_ready(producer, more, 8.0)


def test_a_refusing_port_of_a_good_host_says_nothing_of_its_good_port(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, refusing_port: int
) -> None:
    closed = f"http://127.0.0.1:{refusing_port}"
    for number in range(6):
        enqueue(producer, f"{closed}/{number}.jpg", priority=10)
    start_worker()

    def paused() -> list[str]:
        found = producer.execute("SELECT jsonb_object_keys(paused) FROM storyboard_workers")
        return [upstream for (upstream,) in found]

    eventually(lambda: paused() == [upstream_of(closed)])
    good = enqueue_some(producer, origin, "good", 20)
    wait_for_ready(producer, good, PATIENCE_SECONDS)
    assert upstream_of(origin.url) not in paused()
