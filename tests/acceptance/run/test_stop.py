"""SIGTERM and SIGINT: attempts may end within the grace, and the others are given back."""

import signal
import threading
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, statuses, wait_for_statuses

# How long a process may take to end after its worker. It is generous, for a busy machine.
EXIT_SECONDS = 3.0

CLAIM = ("claim_token", "claimed_by", "claimed_at", "lease_expires_at")
FOREVER = threading.Event()


def assert_given_back(row: dict[str, Any]) -> None:
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert [row[column] for column in CLAIM] == [None] * len(CLAIM)
    # An interruption is no error and does not delay the row.
    assert (row["error_code"], row["available_at"]) == (None, row["created_at"])


def worker_states(producer: psycopg.Connection) -> list[str]:
    return [row[0] for row in producer.execute("SELECT state FROM storyboard_workers")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_attempts_that_outlast_the_grace_are_given_back(
    number: signal.Signals, producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    worker = start_worker(SHUTDOWN_GRACE_SECONDS="5", LEASE_SECONDS="60")
    enqueue_panels(producer, origin, 3, [Hang(FOREVER)])
    origin.wait_for_requests(3)
    signalled_at = time.monotonic()
    worker.signal(number)

    # It is to be seen at once. After four fifths of the grace it would be too late.
    eventually(lambda: worker_states(producer) == ["draining"], timeout_seconds=3)
    assert statuses(producer) == {"processing": 3}
    assert worker.wait() == 0
    assert time.monotonic() - signalled_at < 5 + EXIT_SECONDS
    for row in all_rows(producer):
        assert_given_back(row)
    assert worker_states(producer) == []
    assert worker.logged("worker stopped")[0]["given_back"] == 3


def test_attempts_that_end_within_the_grace_are_finished_and_nothing_new_is_claimed(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    go_on = threading.Event()
    worker = start_worker(WORKER_CONCURRENCY="2", SHUTDOWN_GRACE_SECONDS="60")
    enqueue_panels(producer, origin, 2, [Hang(go_on)])
    origin.wait_for_requests(2)
    waiting = enqueue_panels(producer, origin, 3, prefix="waiting")
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("stopping")
    waiting.append(enqueue_panel(producer, origin, "too-late.jpg"))

    go_on.set()
    # It ends long before the end of the grace, because nothing is left to wait for.
    assert worker.wait(10) == 0
    assert statuses(producer) == {"ready": 2, "pending": 4}
    for row in all_rows(producer):
        if row["id"] in waiting:
            assert_given_back(row)
    assert len(origin.requests) == 2
    assert worker.logged("worker stopped")[0]["given_back"] == 0


def test_a_row_that_comes_during_the_grace_is_left_to_others(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    go_on = threading.Event()
    stopping = start_worker(SHUTDOWN_GRACE_SECONDS="60")
    enqueue_panel(producer, origin, faults=[Hang(go_on)])
    origin.wait_for_requests(1)
    stopping.signal(signal.SIGTERM)
    eventually(lambda: worker_states(producer) == ["draining"])
    other = start_worker()
    enqueue_panels(producer, origin, 5, prefix="others")
    wait_for_statuses(producer, processing=1, ready=5)

    go_on.set()
    assert stopping.wait() == 0
    assert len(stopping.logged("storyboard ready")) == 1
    assert len(other.logged("storyboard ready")) == 5


def test_some_end_and_some_are_given_back(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    go_on = threading.Event()
    worker = start_worker(SHUTDOWN_GRACE_SECONDS="3")
    enqueue_panels(producer, origin, 2, [Hang(FOREVER)], prefix="hangs")
    enqueue_panels(producer, origin, 2, [Hang(go_on)], prefix="ends")
    origin.wait_for_requests(4)
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("stopping")
    go_on.set()
    assert worker.wait() == 0
    assert statuses(producer) == {"ready": 2, "pending": 2}


def test_leases_are_renewed_during_a_long_grace(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    go_on = threading.Event()
    stopping = start_worker(LEASE_SECONDS="1.5", SHUTDOWN_GRACE_SECONDS="60")
    enqueue_panel(producer, origin, faults=[Hang(go_on)])
    origin.wait_for_requests(1)
    stopping.signal(signal.SIGTERM)
    stopping.wait_for_log("stopping")
    successor = start_worker(LEASE_SECONDS="1.5")

    def held_for_two_leases() -> bool:
        [row] = all_rows(producer)
        assert (row["status"], row["attempts"]) == ("processing", 1)
        held: timedelta = row["lease_expires_at"] - row["claimed_at"]
        return held.total_seconds() > 2 * 1.5

    eventually(held_for_two_leases)
    go_on.set()
    assert stopping.wait() == 0
    wait_for_statuses(producer, ready=1)
    assert not successor.logged("storyboard rescued")


def test_an_idle_worker_ends_at_once(
    producer: psycopg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker(SHUTDOWN_GRACE_SECONDS="60")
    worker.wait_for_log("listening for new rows")
    worker.signal(signal.SIGTERM)
    assert worker.wait(EXIT_SECONDS) == 0
    assert worker_states(producer) == []
