"""``list``, ``show`` and ``status``."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from storyboard_worker.database.tables import storyboards
from tests.support.producing import FAILED, PROCESSING, READY, enqueue
from tests.support.running_command import StoryboardWorker

SIGNED = "https://images.example/panel.jpeg?X-Tos-Signature=0123abcd&X-Tos-Expires=86400"
SHOWN = "https://images.example/panel.jpeg"
COLUMNS = {column.name for column in storyboards.columns}
WORKER: dict[str, Any] = {
    "hostname": "host-1",
    "pid": 17,
    "version": "0.1.0",
    "concurrency": 16,
    "in_flight": 3,
    "paused": json.dumps({"cloudinary": "2026-01-02T03:04:05+00:00"}),
}


def register_worker(producer: psycopg.Connection, worker_id: str, seen_ago: timedelta) -> None:
    facts = {**WORKER, "worker_id": worker_id, "seen_ago": seen_ago}
    producer.execute(
        "INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, "
        "in_flight, paused, last_seen_at) VALUES (%(worker_id)s, %(hostname)s, %(pid)s, "
        "%(version)s, %(concurrency)s, %(in_flight)s, %(paused)s, now() - %(seen_ago)s)",
        facts,
    )


def test_show_hides_the_query_of_a_signed_url(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer, SIGNED, project_id="pilot")

    as_text = storyboard_worker("show", id_)
    assert as_text.code == 0
    assert "0123abcd" not in as_text.out + as_text.err
    lines = dict(line.split(maxsplit=1) for line in as_text.out.splitlines())
    assert lines["source_url"] == SHOWN
    assert lines["status"] == "pending"
    assert lines["project_id"] == "pilot"
    assert "cdn_url" not in lines, "what is null is not worth a line"

    as_json = storyboard_worker("show", id_, "--json")
    assert as_json.json["source_url"] == SHOWN
    assert as_json.json.keys() == COLUMNS
    assert as_json.json["id"] == str(id_)
    assert as_json.json["cdn_url"] is None
    assert datetime.fromisoformat(as_json.json["created_at"]).tzinfo is not None


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_show_reveals_a_signed_url_on_request(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, form: list[str]
) -> None:
    shown = storyboard_worker("show", enqueue(producer, SIGNED), "--reveal", *form)

    assert shown.code == 0
    assert SIGNED in shown.out


def test_list_shows_the_newest_rows_whole_and_without_queries(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    old = enqueue(producer, SIGNED, created_at=datetime.now(UTC) - timedelta(hours=3))
    ready = enqueue(producer, SIGNED, project_id="絵コンテ", **READY)

    listed = storyboard_worker("list")

    assert listed.code == 0
    assert listed.err == ""
    heading, first, second = listed.out.splitlines()
    assert heading.split() == ["id", "status", "attempts", "age", "error", "project", "image"]
    assert first.split()[0::1][:2] == [str(ready), "ready"]
    assert first.endswith(f"絵コンテ  {READY['cdn_url']}")
    assert second.split() == [str(old), "pending", "0", "3", "h", SHOWN]
    assert "X-Tos" not in listed.out


def test_list_as_json_is_an_array_of_rows(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    assert storyboard_worker("list", "--json").json == []
    id_ = enqueue(producer, SIGNED, project_id="絵コンテ 🎬")

    listed = storyboard_worker("list", "--json")

    (row,) = listed.json
    assert row.keys() == COLUMNS
    assert (row["id"], row["source_url"]) == (str(id_), SHOWN)
    assert row["project_id"] == "絵コンテ 🎬"
    assert "絵コンテ 🎬" in listed.out, "characters stand as they are"


def test_list_takes_filters_and_a_limit(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    pending = enqueue(producer, SIGNED, project_id="größe")
    failed = enqueue(producer, SIGNED, **FAILED)
    enqueue(producer, SIGNED, **{**FAILED, "error_code": "unexpected"})

    def ids(*arguments: str) -> list[str]:
        found = storyboard_worker("list", "--json", *arguments)
        assert found.code == 0, found.shown()
        return [row["id"] for row in found.json]

    assert ids("--status", "pending") == [str(pending)]
    assert ids("--status", "failed", "--error-code", "source_timeout") == [str(failed)]
    assert ids("--project", "größe") == [str(pending)]
    assert ids("--project", "unknown") == []
    assert len(ids("--limit", "2")) == 2


def test_status_counts_and_names_workers_and_pauses(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    enqueue(producer, SIGNED, available_at=datetime.now(UTC) - timedelta(minutes=10))
    enqueue(producer, SIGNED, **PROCESSING)
    enqueue(producer, SIGNED, **READY)
    enqueue(producer, SIGNED, **FAILED)
    register_worker(producer, "alive-1", timedelta(0))
    register_worker(producer, "dead-1", timedelta(minutes=5))

    status = storyboard_worker("status", "--json").json

    assert status.keys() == {
        *("waiting", "processing", "ready", "failed"),
        *("oldest_waiting_seconds", "expiring_soon", "workers", "paused"),
    }
    counted = [status[name] for name in ("waiting", "processing", "ready", "failed")]
    assert counted == [1, 1, 1, 1]
    assert 600 <= status["oldest_waiting_seconds"] < 700
    (worker,) = status["workers"]
    assert (worker["worker_id"], worker["in_flight"]) == ("alive-1", 3)
    assert status["paused"] == [
        {
            "upstream": "cloudinary",
            "until": "2026-01-02T03:04:05+00:00",
            "worker_id": "alive-1",
        }
    ]


def test_status_in_words_says_that_no_worker_is_alive(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    none = storyboard_worker("status")
    assert none.code == 0
    assert "no worker is alive: start one with `storyboard-worker run`" in none.out

    register_worker(producer, "alive-1", timedelta(0))
    one = storyboard_worker("status")
    assert "alive-1  running  3/16" in one.out
    assert "paused: cloudinary until 2026-01-02T03:04:05+00:00 (alive-1)" in one.out
