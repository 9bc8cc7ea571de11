"""kill -9: the leases of the dead worker lapse, and another worker does its rows."""

import signal
import threading

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from storyboard_worker.storyboard import public_id
from tests.support.orphans import listed
from tests.support.panels import all_rows, enqueue_panels, published, rows_held_by
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, wait_for_statuses


def test_the_rows_of_a_killed_worker_are_done_by_another(
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    start_worker: StartWorker,
) -> None:
    settings = {"LEASE_SECONDS": "2", "WORKER_CONCURRENCY": "4"}
    doomed = start_worker(**settings)
    enqueue_panels(producer, origin, 6, prefix="before")
    wait_for_statuses(producer, ready=6)

    go_on = threading.Event()
    enqueue_panels(producer, origin, 20, [Hang(go_on)])
    origin.wait_for_requests(6 + 4)
    survivor = start_worker(**settings)
    origin.wait_for_requests(6 + 8)
    held = rows_held_by(producer, doomed.pid)
    assert len(held) == 4
    doomed.signal(signal.SIGKILL)
    assert doomed.wait() == -signal.SIGKILL
    go_on.set()

    wait_for_statuses(producer, ready=26)
    rows = all_rows(producer)
    assert {row["id"] for row in rows if row["attempts"] == 2} == held
    assert {row["attempts"] for row in rows if row["id"] not in held} == {1}
    assert {upload.public_id for upload in cloudinary.uploads} == published(rows)
    assert len(survivor.logged("storyboard rescued")) == 4


def test_without_another_worker_the_next_one_does_them(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    go_on = threading.Event()
    enqueue_panels(producer, origin, 3, [Hang(go_on)])
    doomed = start_worker(LEASE_SECONDS="2")
    origin.wait_for_requests(3)
    doomed.signal(signal.SIGKILL)
    doomed.wait()
    go_on.set()

    start_worker(LEASE_SECONDS="2")
    wait_for_statuses(producer, ready=3)
    assert {row["attempts"] for row in all_rows(producer)} == {2}


def test_the_last_attempt_that_dies_with_its_worker_fails_the_row(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    enqueue_panels(producer, origin, 1, [Hang(threading.Event(), always=True)])
    doomed = start_worker(LEASE_SECONDS="2", MAX_ATTEMPTS="1")
    origin.wait_for_requests(1)
    doomed.signal(signal.SIGKILL)
    doomed.wait()

    rescuer = start_worker(LEASE_SECONDS="2", MAX_ATTEMPTS="1")
    wait_for_statuses(producer, failed=1)
    [row] = all_rows(producer)
    assert (row["attempts"], row["error_code"]) == (1, "worker_lost")
    eventually(lambda: rescuer.logged("storyboard lost with its worker"))
    # The worker may have died after the last byte of its upload.
    maybe_stored = public_id("storyboards", row["id"], row["source_url"])
    eventually(lambda: listed(producer) == {maybe_stored})
