"""``process``."""

import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from tests.support.panels import IMAGE, enqueue_panel
from tests.support.producing import (
    CLAIM,
    FAILED,
    PROCESSING,
    READY,
    WAITING,
    enqueue,
    moment,
    only,
    storyboard,
)
from tests.support.result import Result
from tests.support.running_command import StoryboardWorker, finish
from tests.support.running_worker import StartWorker

IN_AN_HOUR = datetime.now(UTC) + timedelta(hours=1)


def steps(result: Result) -> str:
    return "\n".join(result.error_lines)


@pytest.mark.parametrize(
    ("columns", "attempts", "step"),
    [
        ({}, 1, "claimed, attempt 1"),
        ({**WAITING, "available_at": IN_AN_HOUR}, 3, "claimed, attempt 3"),
        (FAILED, 1, "it had failed: starting afresh"),
        (PROCESSING, 4, "a worker had died over it: rescued"),
    ],
    ids=["pending", "waiting", "failed", "lapsed"],
)
def test_a_free_row_is_processed_and_each_step_is_told(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    columns: dict[str, Any],
    attempts: int,
    step: str,
) -> None:
    id_ = enqueue_panel(producer, origin, **columns)

    done = storyboard_worker("process", id_)

    assert done.code == 0, done.shown()
    row = storyboard(producer, id_)
    assert (row["status"], row["attempts"], row["bytes"]) == ("ready", attempts, len(IMAGE))
    assert done.out == f"{row['cdn_url']}\n"
    assert step in steps(done)
    assert "asking 127.0.0.1 for the image" in steps(done)
    assert f"Cloudinary has stored it as {row['public_id']}" in steps(done)
    assert [upload.public_id for upload in cloudinary.uploads] == [row["public_id"]]


def test_a_row_that_is_ready_is_left_as_it_is(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    id_ = enqueue_panel(producer, origin, **READY)

    done = storyboard_worker("process", id_, "--json")

    assert done.code == 0
    assert done.json == {
        "id": str(id_),
        "status": "ready",
        "cdn_url": READY["cdn_url"],
        "error_code": None,
    }
    assert "it is ready already" in steps(done)
    assert origin.requests == []


def test_a_row_that_a_worker_holds_is_left_to_it(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    held = {**PROCESSING, "lease_expires_at": moment(producer, 60)}
    id_ = enqueue_panel(producer, origin, **held)

    refused = storyboard_worker("process", id_)

    assert refused.code == 1
    assert refused.out.startswith("processing: worker-1 holds it since ")
    assert "another worker holds it this moment: left alone" in steps(refused)
    assert only(storyboard(producer, id_), held) == held
    assert origin.requests == []


def test_a_failed_row_becomes_ready_beside_a_running_worker(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    start_worker: StartWorker,
) -> None:
    """Either the worker or the command may take the row once it is put back."""
    start_worker().wait_for_log("listening for new rows")
    id_ = enqueue_panel(producer, origin, **FAILED)

    done = storyboard_worker("process", id_)

    assert done.code == 0, done.shown()
    assert done.out == f"{storyboard(producer, id_)['cdn_url']}\n"
    assert len(cloudinary.uploads) == 1


def test_a_row_that_fails_is_exit_1(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    id_ = enqueue_panel(producer, origin, "a.jpg", [Answer(410)])

    as_json = storyboard_worker("process", id_, "--json")
    assert as_json.code == 1
    assert as_json.json == {
        "id": str(id_),
        "status": "failed",
        "cdn_url": None,
        "error_code": "source_not_found",
    }

    origin.put("b.jpg", IMAGE, faults=[Answer(410)])
    in_words = storyboard_worker("process", enqueue(producer, origin.sign("b.jpg")))
    assert in_words.code == 1
    assert in_words.out == "failed (source_not_found: the source answers 410)\n"


def test_a_row_that_waits_for_another_attempt_is_exit_1(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    fault = Answer(429, headers={"Retry-After": "50"})
    id_ = enqueue_panel(producer, origin, faults=[fault])

    done = storyboard_worker("process", id_)

    assert done.code == 1
    assert done.out.startswith("pending: the next attempt may start in ")
    assert done.out.endswith("(source_rate_limited: the source answers 429)\n")
    assert storyboard(producer, id_)["attempts"] == 0


def test_an_expired_link_is_not_requested(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    origin.put("a.jpg", IMAGE)
    two_days_ago = datetime.now(UTC) - timedelta(days=2)
    id_ = enqueue(producer, origin.sign("a.jpg", signed_at=two_days_ago))

    done = storyboard_worker("process", id_, "--json")

    assert done.code == 1
    assert (done.json["status"], done.json["error_code"]) == ("failed", "source_expired")
    assert origin.requests == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_gives_the_row_back(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    number: signal.Signals,
) -> None:
    id_: UUID = enqueue_panel(producer, origin, faults=[Hang(threading.Event())])
    process = storyboard_worker.start("process", id_)
    origin.wait_for_requests(1, timeout_seconds=30)

    process.signal(number)
    ended = finish(process)

    assert ended.code == 1
    assert ended.out == ""
    assert "Error: interrupted" in ended.error_lines
    assert "the row is given back" in steps(ended)
    row = storyboard(producer, id_)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert only(row, dict.fromkeys(CLAIM)) == dict.fromkeys(CLAIM)
