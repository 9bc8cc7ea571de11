"""One row: its progress, and processing it now."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from tests.integration.web.served import Served
from tests.support.panels import enqueue_panel
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
from tests.support.waiting import eventually

FIELDS = {
    *("id", "project_id", "position", "status", "cdn_url", "message", "can_retry"),
    *("error_code", "updated_at", "picture_url"),
}


def test_the_progress_of_a_row(served: Served, producer: psycopg.Connection) -> None:
    id_ = enqueue(producer, project_id="p", position=7, **FAILED)
    reply = served.get(f"/api/storyboards/{id_}")
    assert reply.status == 200
    assert reply.json.keys() == FIELDS
    row = storyboard(producer, id_)
    assert reply.json == {
        "id": str(id_),
        "project_id": "p",
        "position": 7,
        "status": "failed",
        "cdn_url": None,
        "message": "Download failed, click to retry",
        "can_retry": True,
        "error_code": "source_timeout",
        "updated_at": row["updated_at"].isoformat(),
        "picture_url": None,
    }


@pytest.mark.parametrize(
    ("columns", "attempts"),
    [({}, 1), (WAITING, 3), (FAILED, 1), (PROCESSING, 4)],
    ids=["pending", "waiting", "failed", "lapsed"],
)
def test_a_free_row_is_processed(
    served: Served,
    producer: psycopg.Connection,
    origin: Origin,
    columns: dict[str, Any],
    attempts: int,
) -> None:
    id_ = enqueue_panel(producer, origin, **columns)
    reply = served.process(id_)
    assert reply.status == 200
    row = storyboard(producer, id_)
    assert (row["status"], row["attempts"]) == ("ready", attempts)
    assert (reply.json["status"], reply.json["cdn_url"]) == ("ready", row["cdn_url"])
    assert reply.json.keys() == FIELDS


def test_a_ready_or_held_row_is_only_shown(
    served: Served, producer: psycopg.Connection, origin: Origin
) -> None:
    held = {**PROCESSING, "lease_expires_at": moment(producer, 60)}
    for columns in (READY, held):
        id_ = enqueue_panel(producer, origin, **columns)
        before = storyboard(producer, id_)
        reply = served.process(id_)
        assert (reply.status, reply.json["status"]) == (200, columns["status"])
        assert storyboard(producer, id_) == before
    assert origin.requests == []


def test_a_row_that_fails(served: Served, producer: psycopg.Connection, origin: Origin) -> None:
    id_ = enqueue_panel(producer, origin, faults=[Answer(410)])
    reply = served.process(id_)
    assert (reply.status, reply.json["error_code"]) == (200, "source_not_found")


def test_an_unknown_row(served: Served) -> None:
    assert served.process(uuid4()).status == 404
    assert served.get(f"/api/storyboards/{uuid4()}").json == {
        "error": "there is no such storyboard"
    }


def test_some_rows_at_once_and_health_still_answers(
    served: Served, producer: psycopg.Connection, origin: Origin, release: threading.Event
) -> None:
    ids = [enqueue_panel(producer, origin, f"{n}.jpg", [Hang(release)]) for n in range(3)]
    with ThreadPoolExecutor(2) as clients:
        replies = [clients.submit(served.process, id_) for id_ in ids[:2]]
        origin.wait_for_requests(2)
        refused = served.process(ids[2])
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) > 0
        assert served.get("/healthz").status == 200
        release.set()
        assert [reply.result().json["status"] for reply in replies] == ["ready", "ready"]
    assert storyboard(producer, ids[2])["attempts"] == 0


def test_a_stop_gives_the_row_back(
    served: Served, producer: psycopg.Connection, origin: Origin, release: threading.Event
) -> None:
    id_ = enqueue_panel(producer, origin, faults=[Hang(release)])
    with ThreadPoolExecutor(1) as client:
        reply = client.submit(served.process, id_)
        origin.wait_for_requests(1)
        served.shutdown.request()
        assert (reply.result().status, reply.result().json["status"]) == (200, "pending")
    row = storyboard(producer, id_)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert only(row, dict.fromkeys(CLAIM)) == dict.fromkeys(CLAIM)


def test_a_row_that_is_taken_away_counts_as_a_lost_lease(
    served: Served, producer: psycopg.Connection, origin: Origin, release: threading.Event
) -> None:
    id_ = enqueue_panel(producer, origin, faults=[Hang(release)])
    with ThreadPoolExecutor(1) as client:
        reply = client.submit(served.process, id_)
        origin.wait_for_requests(1)
        producer.execute("DELETE FROM storyboards")
        release.set()
        assert reply.result().status == 404
    eventually(lambda: "storyboard_leases_lost_total 1.0" in served.get("/metrics").text)
