"""``failures``: failed rows, grouped by cause and host."""

from datetime import datetime

import psycopg

from tests.support.producing import FAILED, change, enqueue, moment
from tests.support.running_command import StoryboardWorker

FIELDS = ["error_code", "host", "count", "first", "last", "sample_id", "sentry_event_id"]


def fail(producer: psycopg.Connection, url: str, code: str, ago: float, **columns: object) -> str:
    id_ = enqueue(producer, url, **columns)
    at = moment(producer, -ago)
    change(
        producer,
        id_,
        **{**FAILED, "error_code": code, "errored_at": at, "sentry_event_id": f"event-{ago:g}"},
    )
    return str(id_)


def test_rows_of_one_cause_are_one_line(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    fail(producer, "https://a.example/1?secret=1", "source_not_found", 300)
    newest = fail(producer, "https://A.example/2", "source_not_found", 100)
    other = fail(producer, "https://b.example/3", "source_not_found", 200)
    enqueue(producer, "https://a.example/4")

    first, second = storyboard_worker("failures", "--json").json
    assert list(first) == FIELDS
    assert (first["host"], first["count"], first["sample_id"]) == ("a.example", 2, newest)
    assert first["sentry_event_id"] == "event-100"
    lasted = datetime.fromisoformat(first["last"]) - datetime.fromisoformat(first["first"])
    assert 190 < lasted.total_seconds() < 210
    assert (second["host"], second["count"], second["sample_id"]) == ("b.example", 1, other)


def test_it_is_limited_to_a_time_or_a_project(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    fail(producer, "https://a.example/1", "source_timeout", 7200)
    fail(producer, "https://a.example/2", "source_expired", 60, project_id="pilot")
    lately = storyboard_worker("failures", "--since", "1h", "--json").json
    assert [cause["error_code"] for cause in lately] == ["source_expired"]
    of_pilot = storyboard_worker("failures", "--project", "pilot", "--json").json
    assert [cause["error_code"] for cause in of_pilot] == ["source_expired"]
    assert storyboard_worker("failures", "--project", "other", "--json").json == []


def test_for_people_it_says_what_to_type_next(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    id_ = fail(producer, "https://a.example/1?X-Tos-Signature=abc", "source_timeout", 60)
    shown = storyboard_worker("failures")
    assert shown.code == 0
    assert "source_timeout" in shown.out
    assert "a.example" in shown.out
    assert "abc" not in shown.out
    look, retry = shown.err.strip().splitlines()
    assert look.endswith(f"storyboard-worker show {id_}")
    command = retry.partition("storyboard-worker ")[2].split()
    dry = storyboard_worker(*command, "--json")
    assert dry.json == {"retried": 1, "ids": [id_]}


def test_nothing_has_failed(storyboard_worker: StoryboardWorker) -> None:
    assert storyboard_worker("failures", "--json").json == []
    shown = storyboard_worker("failures")
    assert (shown.code, shown.err) == (0, "nothing has failed\n")
