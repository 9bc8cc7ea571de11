"""Producers change rows while a worker works on them. The results of that work are dropped."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panel, plant, published
from tests.support.producing import change, delete, storyboard
from tests.support.running_worker import RunningWorker, StartWorker
from tests.support.waiting import wait_for_statuses

# Makes a row whose attempt stops at some point, and returns its id once it has stopped.
Hold = Callable[[], UUID]


@pytest.fixture(params=["download", "upload"])
def hold(
    request: pytest.FixtureRequest,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    go_on: threading.Event,
) -> Hold:
    def in_download() -> UUID:
        storyboard_id = enqueue_panel(producer, origin, faults=[Hang(go_on, "in_body")])
        origin.wait_for_requests(1)
        return storyboard_id

    def in_upload() -> UUID:
        cloudinary.misbehave(Hang(go_on, "after_storing"))
        storyboard_id = enqueue_panel(producer, origin)
        cloudinary.wait_for_uploads(1)
        return storyboard_id

    return in_download if request.param == "download" else in_upload


@pytest.fixture
def worker(start_worker: StartWorker) -> RunningWorker:
    """A worker whose keeper looks only after 20 s, so that the slot has to find out."""
    return start_worker(LEASE_SECONDS="60")


def finished_row(producer: psycopg.Connection, storyboard_id: UUID) -> dict[str, Any]:
    wait_for_statuses(producer, ready=1)
    return storyboard(producer, storyboard_id)


def test_a_deleted_row_is_dropped(
    producer: psycopg.Connection,
    origin: Origin,
    worker: RunningWorker,
    hold: Hold,
    go_on: threading.Event,
) -> None:
    delete(producer, hold())
    go_on.set()
    worker.wait_for_log("storyboard lease lost")
    assert all_rows(producer) == []

    enqueue_panel(producer, origin, "next.jpg")
    wait_for_statuses(producer, ready=1)


def test_a_regenerated_row_ends_with_the_newer_image(
    producer: psycopg.Connection,
    origin: Origin,
    worker: RunningWorker,
    hold: Hold,
    go_on: threading.Event,
) -> None:
    storyboard_id = hold()
    change(producer, storyboard_id, source_url=plant(origin, "newer.jpg"))
    finished = finished_row(producer, storyboard_id)
    assert (finished["attempts"], {finished["public_id"]}) == (1, published([finished]))

    go_on.set()
    worker.wait_for_log("storyboard lease lost")
    assert storyboard(producer, storyboard_id) == finished


def test_a_retried_row_is_taken_afresh(
    producer: psycopg.Connection,
    worker: RunningWorker,
    hold: Hold,
    go_on: threading.Event,
) -> None:
    storyboard_id = hold()
    assert change(producer, storyboard_id, status="pending")["attempts"] == 0
    finished = finished_row(producer, storyboard_id)
    assert finished["attempts"] == 1

    go_on.set()
    worker.wait_for_log("storyboard lease lost")
    assert storyboard(producer, storyboard_id) == finished


def test_a_failure_that_comes_too_late_is_dropped(
    producer: psycopg.Connection, origin: Origin, worker: RunningWorker, go_on: threading.Event
) -> None:
    storyboard_id = enqueue_panel(producer, origin, faults=[Hang(go_on)])
    origin.wait_for_requests(1)
    change(producer, storyboard_id, source_url=plant(origin, "newer.jpg"))
    finished = finished_row(producer, storyboard_id)

    origin.stop()  # It breaks off the old answer, which is an error of a claim that is lost.
    worker.wait_for_log("storyboard lease lost")
    assert storyboard(producer, storyboard_id) == finished
