"""The worker's log has one line for each thing that happens."""

from datetime import timedelta

import psycopg

from storyboard_worker import __version__
from storyboard_worker.demo.faults import CutFile
from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel, enqueue_panels
from tests.support.producing import storyboard
from tests.support.running_worker import StartWorker
from tests.support.waiting import wait_for_statuses

ROWS = 30


def test_at_its_start_it_says_what_it_found(start_worker: StartWorker) -> None:
    worker = start_worker(WORKER_CONCURRENCY="5")
    [ready] = worker.wait_for_log("worker ready")
    [started] = worker.logged("worker started")
    assert {name: ready[name] for name in ready if name not in {"time", "level"}} == {
        "message": "worker ready",
        "worker_id": started["worker_id"],
        "connection": "direct",
        "new_rows": "by LISTEN",
        "concurrency": 5,
        "release": f"storyboard-worker@{__version__}",
    }


def test_behind_a_transaction_pooler_it_says_that_it_polls(
    start_worker: StartWorker, pooled_url: str
) -> None:
    worker = start_worker(
        DATABASE_URL=pooled_url, POLL_INTERVAL_SECONDS="0.5", SENTRY_RELEASE="2031-01"
    )
    [ready] = worker.wait_for_log("worker ready")
    assert ready["connection"] == "transaction pooler"
    assert ready["new_rows"] == "polled every 0.5 s"
    assert ready["release"] == "2031-01"


def test_an_image_has_one_line(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    """It says how long the row was due, and how long its attempt took."""
    ids = {str(id_) for id_ in enqueue_panels(producer, origin, ROWS)}
    worker = start_worker(WORKER_CONCURRENCY="2")
    wait_for_statuses(producer, ready=ROWS)
    done = worker.wait_for_log("storyboard ready", ROWS)
    assert {line["storyboard_id"] for line in done} == ids
    assert all(line["waited_seconds"] >= 0 and line["seconds"] > 0 for line in done)
    naming = [line for line in worker.log if ids & set(map(str, line.values()))]
    assert len(naming) == ROWS


def test_a_retry_is_logged_with_reason_and_time(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    id_ = enqueue_panel(producer, origin, faults=[CutFile(4_000)])
    worker = start_worker()
    [line] = worker.wait_for_log("storyboard retried")
    assert (line["storyboard_id"], line["attempt"]) == (str(id_), 1)
    assert line["error_code"] == "image_truncated"
    assert "the image is not whole" in line["reason"]
    wait_for_statuses(producer, ready=1)
    assert 0 <= line["again_in_seconds"] <= 2
    waited = storyboard(producer, id_)["finished_at"] - storyboard(producer, id_)["created_at"]
    assert waited >= timedelta(seconds=line["again_in_seconds"])
