"""Cloudinary refuses the credentials: no row suffers, and Cloudinary is left alone."""

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, wait_for_statuses

CONCURRENCY = 8
ROWS = 40
SHORT = "from storyboard_worker.attempts import policy\npolicy.BLAMELESS_PAUSE_SECONDS = 4.0"


def paused_upstreams(producer: psycopg.Connection) -> set[str]:
    found = producer.execute("SELECT jsonb_object_keys(paused) FROM storyboard_workers")
    return {upstream for (upstream,) in found}


def test_a_wrong_secret_fails_no_row_and_all_are_done_once_it_is_right(
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    start_worker: StartWorker,
) -> None:
    enqueue_panels(producer, origin, ROWS)
    worker = start_worker(
        SHORT, CLOUDINARY_API_SECRET="mistyped", WORKER_CONCURRENCY=str(CONCURRENCY)
    )
    [line] = worker.wait_for_log("upstream paused")
    assert (line["upstream"], line["error_code"]) == ("cloudinary", "storage_unauthorized")
    eventually(lambda: paused_upstreams(producer) == {"cloudinary"})

    # Only the attempts that were under way at the first refusal have asked.
    wait_for_statuses(producer, pending=ROWS)
    rows = all_rows(producer)
    assert {row["attempts"] for row in rows} == {0}
    told = [row for row in rows if row["error_code"] is not None]
    assert {row["error_code"] for row in told} == {"storage_unauthorized"}
    assert len(told) == len(cloudinary.refusals) <= CONCURRENCY

    cloudinary.api_secret = "mistyped"
    wait_for_statuses(producer, ready=ROWS)
    assert len(cloudinary.refusals) == len(told)
    assert len(cloudinary.uploads) == ROWS
    assert {row["attempts"] for row in all_rows(producer)} == {1}
    eventually(lambda: paused_upstreams(producer) == set())
