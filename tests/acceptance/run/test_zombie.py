"""A worker that was frozen past its lease changes nothing when it wakes up."""

import signal
import threading
from typing import Any

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panel, plant, published
from tests.support.producing import change
from tests.support.running_worker import RunningWorker, StartWorker
from tests.support.waiting import eventually, wait_for_statuses

LEASE_SECONDS = "2"


def freeze(worker: RunningWorker, origin: Origin) -> None:
    origin.wait_for_requests(1)
    worker.signal(signal.SIGSTOP)


def wake(zombie: RunningWorker, go_on: threading.Event) -> None:
    """Let it go on with its work, and check that it notices that it is too late."""
    go_on.set()
    zombie.signal(signal.SIGCONT)
    # The slot may notice it (at the outcome), or the keeper (which then stops the slot).
    eventually(
        lambda: zombie.logged("storyboard lease lost") or zombie.logged("storyboard cancelled")
    )
    assert zombie.logged("lease lost") or zombie.logged("storyboard lease lost")


def only_row(producer: psycopg.Connection) -> dict[str, Any]:
    [row] = all_rows(producer)
    return row


def test_a_row_that_another_worker_finished_stays_as_it_is(
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    go_on: threading.Event,
) -> None:
    zombie = start_worker(LEASE_SECONDS=LEASE_SECONDS)
    enqueue_panel(producer, origin, faults=[Hang(go_on)])
    freeze(zombie, origin)
    start_worker(LEASE_SECONDS=LEASE_SECONDS)
    wait_for_statuses(producer, ready=1)
    finished = only_row(producer)
    assert finished["attempts"] == 2

    wake(zombie, go_on)
    assert only_row(producer) == finished
    assert not zombie.logged("storyboard ready")


def test_the_newer_image_of_a_regenerated_row_stays(
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    start_worker: StartWorker,
    go_on: threading.Event,
) -> None:
    zombie = start_worker(LEASE_SECONDS=LEASE_SECONDS)
    storyboard_id = enqueue_panel(producer, origin, faults=[Hang(go_on)])
    freeze(zombie, origin)
    change(producer, storyboard_id, source_url=plant(origin, "newer.jpg"))
    start_worker(LEASE_SECONDS=LEASE_SECONDS)
    wait_for_statuses(producer, ready=1)
    finished = only_row(producer)
    [newer] = published([finished])

    wake(zombie, go_on)
    assert only_row(producer) == finished
    assert (finished["attempts"], finished["public_id"]) == (1, newer)
    assert newer in finished["cdn_url"]
    stored = cloudinary.asset(newer)
    assert stored is not None
    assert stored.path("demo") in finished["cdn_url"]


def test_alone_it_takes_its_lapsed_row_again_as_a_new_attempt(
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    go_on: threading.Event,
) -> None:
    zombie = start_worker(LEASE_SECONDS=LEASE_SECONDS)
    enqueue_panel(producer, origin, faults=[Hang(go_on)])
    freeze(zombie, origin)
    eventually(lambda: lapsed(producer))
    zombie.signal(signal.SIGCONT)
    go_on.set()
    wait_for_statuses(producer, ready=1)
    # If its own late renewal comes before any rescue, it is still the first attempt.
    assert only_row(producer)["attempts"] in {1, 2}


def lapsed(producer: psycopg.Connection) -> int:
    found = producer.execute("SELECT count(*) FROM storyboards WHERE lease_expires_at < now()")
    row = found.fetchone()
    assert row is not None
    count: int = row[0]
    return count
