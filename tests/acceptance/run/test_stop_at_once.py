"""A second signal, and no grace at all."""

import signal
import threading

import psycopg
import pytest

from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.waiting import statuses, wait_for_statuses

AT_ONCE_SECONDS = 3.0
FOREVER = threading.Event()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_with_1(
    number: signal.Signals, producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    enqueue_panels(producer, origin, 2, [Hang(FOREVER)])
    worker = start_worker(SHUTDOWN_GRACE_SECONDS="60", LEASE_SECONDS="2")
    origin.wait_for_requests(2)
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("stopping")
    worker.signal(number)
    assert worker.wait(AT_ONCE_SECONDS) == 1
    assert statuses(producer) == {"processing": 2}

    # No row is lost by it, because the leases lapse.
    start_worker(LEASE_SECONDS="2")
    wait_for_statuses(producer, ready=2)


def test_without_grace_everything_is_given_back_at_once(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    enqueue_panels(producer, origin, 3, [Hang(FOREVER)])
    worker = start_worker(SHUTDOWN_GRACE_SECONDS="0")
    origin.wait_for_requests(3)
    worker.signal(signal.SIGTERM)
    assert worker.wait(AT_ONCE_SECONDS) == 0
    assert statuses(producer) == {"pending": 3}
    assert {row["attempts"] for row in all_rows(producer)} == {0}
