"""A lease is renewed as long as its attempt takes, so no other worker takes the row."""

import threading
from datetime import timedelta

import psycopg

from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, wait_for_statuses

LEASE_SECONDS = 1.5


def test_attempts_longer_than_the_lease_keep_their_rows(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    go_on = threading.Event()
    enqueue_panels(producer, origin, 3, [Hang(go_on)])
    workers = [start_worker(LEASE_SECONDS=str(LEASE_SECONDS)) for _ in range(2)]
    origin.wait_for_requests(3)

    def held_for_three_leases() -> bool:
        rows = all_rows(producer)
        assert {(row["status"], row["attempts"]) for row in rows} == {("processing", 1)}
        held: list[timedelta] = [row["lease_expires_at"] - row["claimed_at"] for row in rows]
        return min(held).total_seconds() > 3 * LEASE_SECONDS

    eventually(held_for_three_leases)
    go_on.set()
    wait_for_statuses(producer, ready=3)

    assert {row["attempts"] for row in all_rows(producer)} == {1}
    assert len(origin.requests) == 3
    for worker in workers:
        assert not worker.logged("storyboard rescued")
        assert not worker.logged("lease lost")
