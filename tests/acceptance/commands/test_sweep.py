"""``sweep``: what one pass does."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels, published
from tests.support.producing import PROCESSING, WAITING, enqueue, moment, storyboard
from tests.support.running_command import StoryboardWorker, finish
from tests.support.tallies import Register, tally
from tests.support.waiting import statuses


def registered(producer: psycopg.Connection) -> set[str]:
    return {worker for (worker,) in producer.execute("SELECT worker_id FROM storyboard_workers")}


def test_an_empty_table_is_done_at_once(storyboard_worker: StoryboardWorker) -> None:
    swept = storyboard_worker("sweep", "--json")

    assert swept.code == 0
    found = tally(swept)
    assert found.pop("seconds") < 10
    assert found == {
        **dict.fromkeys(("rescued", "lost", "expired"), 0),
        **dict.fromkeys(("processed", "ready", "retried", "failed", "released"), 0),
        "alarms": [],
        "complete": True,
        "pruned": 0,
    }


def enqueue_every_kind(producer: psycopg.Connection, origin: Origin) -> dict[UUID, dict[str, Any]]:
    """A row for each duty of a sweep, with the columns that it has to end with."""
    in_an_hour = moment(producer, 3600)
    unclear = {"max_attempts": 1}
    return {
        enqueue_panel(producer, origin, "good.jpg"): {"status": "ready", "attempts": 1},
        enqueue_panel(producer, origin, "lapsed.jpg", **PROCESSING): {
            "status": "ready",
            "attempts": 4,
        },
        enqueue_panel(producer, origin, "lost.jpg", **PROCESSING, max_attempts=3): {
            "status": "failed",
            "error_code": "worker_lost",
        },
        enqueue(producer, origin.sign("dead.jpg"), source_expires_at=moment(producer, -1)): {
            "status": "failed",
            "error_code": "source_expired",
            "attempts": 0,
        },
        enqueue_panel(producer, origin, "gone.jpg", [Answer(410)]): {
            "status": "failed",
            "error_code": "source_not_found",
        },
        enqueue_panel(producer, origin, "down.jpg", [Answer(503, always=True)], **unclear): {
            "status": "failed",
            "error_code": "source_unavailable",
        },
        enqueue_panel(producer, origin, "later.jpg", **WAITING, available_at=in_an_hour): WAITING,
    }


def test_every_row_gets_what_it_needs_and_the_tally_adds_up(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
) -> None:
    wanted = enqueue_every_kind(producer, origin)

    swept = storyboard_worker("sweep", "--json")

    assert swept.code == 0
    for id_, expected in wanted.items():
        row = storyboard(producer, id_)
        assert {name: row[name] for name in expected} == expected
    found = tally(swept)
    assert (found["rescued"], found["lost"], found["expired"]) == (1, 1, 1)
    assert (found["processed"], found["ready"], found["failed"]) == (4, 2, 2)
    assert found["complete"] is True
    assert len(cloudinary.uploads) == 2


def test_old_attempts_are_forgotten(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    for days in (29, 31):
        producer.execute(
            "INSERT INTO storyboard_attempts (storyboard_id, attempt, ended_at) "
            "VALUES (%s, %s, now() - make_interval(days => %s))",
            [enqueue(producer, available_at=moment(producer, 3600)), days, days],
        )

    assert storyboard_worker("sweep", "--no-process").code == 0

    assert producer.execute("SELECT attempt FROM storyboard_attempts").fetchall() == [(29,)]


def test_a_row_that_fails_for_now_is_retried_and_not_waited_for(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    # A later attempt, because the first delays may be short enough to fall into this sweep.
    id_ = enqueue_panel(producer, origin, faults=[Answer(503)], attempts=6, status="pending")
    expires_at = moment(producer, 3600)
    producer.execute("UPDATE storyboards SET source_expires_at = %s", [expires_at])

    found = tally(storyboard_worker("sweep", "--json"))

    assert found["processed"] == found["retried"] == 1
    row = storyboard(producer, id_)
    assert (row["status"], row["attempts"]) == ("pending", 7)
    assert row["error_code"] == "source_unavailable"


def test_a_tally_is_shown_as_a_table(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    enqueue_panels(producer, origin, 2)

    swept = storyboard_worker("sweep")

    assert swept.code == 0
    cells = dict(line.split(maxsplit=1) for line in swept.out.splitlines()[1:])
    assert cells["processed"] == cells["ready"] == "2"
    assert (cells["alarms"], cells["complete"]) == ("none", "yes")


def test_without_processing_it_only_tidies_up_and_needs_no_cloudinary(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    register: Register,
) -> None:
    enqueue_panel(producer, origin, "lapsed.jpg", **PROCESSING)
    enqueue(producer, origin.sign("dead.jpg"), source_expires_at=moment(producer, -1))
    register("gone", timedelta(hours=2))
    register("not-seen-lately", timedelta(minutes=50))

    swept = storyboard_worker("sweep", "--no-process", "--json", CLOUDINARY_CLOUD_NAME="")

    assert swept.code == 0
    found = tally(swept)
    assert (found["rescued"], found["expired"], found["processed"]) == (1, 1, 0)
    assert found["complete"] is False, "the rescued row is due"
    assert statuses(producer) == {"pending": 1, "failed": 1}
    assert registered(producer) == {"not-seen-lately"}
    assert origin.requests == []


def test_a_limit_is_kept(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
) -> None:
    enqueue_panels(producer, origin, 5)

    first = tally(storyboard_worker("sweep", "--limit", "3", "--json"))
    assert (first["processed"], first["ready"], first["complete"]) == (3, 3, False)
    assert statuses(producer) == {"ready": 3, "pending": 2}

    second = tally(storyboard_worker("sweep", "--limit", "2", "--json"))
    assert (second["processed"], second["complete"]) == (2, True)
    assert len(cloudinary.uploads) == 5


def test_two_at_once_do_each_row_once(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
) -> None:
    enqueue_panels(producer, origin, 60)
    origin.delay_seconds = 0.2

    sweeps = [storyboard_worker.start("sweep", "--json", WORKER_CONCURRENCY="4") for _ in range(2)]
    tallies = [tally(finish(sweep)) for sweep in sweeps]

    assert sum(found["processed"] for found in tallies) == 60
    assert all(found["complete"] for found in tallies)
    rows = all_rows(producer)
    assert {(row["status"], row["attempts"]) for row in rows} == {("ready", 1)}
    assert sorted(upload.public_id for upload in cloudinary.uploads) == sorted(published(rows))
