"""The state of the whole, beside the exact counts of the commands."""

import time
from dataclasses import replace

import psycopg
import pytest
from psycopg.types.json import Jsonb

from storyboard_worker.queries.board import summary as queries
from storyboard_worker.queries.board.summary import BoardSummary, Tally
from storyboard_worker.queries.counts import StoryboardCounts
from tests.support.producing import FAILED, PROCESSING, READY, WAITING, enqueue, moment


@pytest.fixture
def mixed(producer: psycopg.Connection) -> None:
    """Rows in each state; some wait, some have dead links, some have links that die soon."""
    soon, late, past = (moment(producer, seconds) for seconds in (3600, 36_000, -60))
    for columns in (
        {"available_at": moment(producer, -500)},
        {"available_at": moment(producer, -900), "source_expires_at": past},
        {"available_at": late, "source_expires_at": soon},
        {"source_expires_at": late},
        {**WAITING, "available_at": late},
        {**PROCESSING, "source_expires_at": soon},
        {**READY, "source_expires_at": soon},
        {**READY, "finished_at": moment(producer, -400)},
        FAILED,
        FAILED,
        FAILED,
    ):
        enqueue(producer, **columns)


def test_it_counts_what_the_commands_count(
    summary: BoardSummary, counts: StoryboardCounts, mixed: None
) -> None:
    exact, found = counts.read(), summary.read()
    tallies = (found.waiting, found.processing, found.ready, found.failed, found.ready_lately)
    assert [tally.count for tally in tallies] == [
        exact.waiting,
        exact.processing,
        exact.ready,
        exact.failed,
        exact.ready_lately,
    ]
    assert all(tally.is_exact for tally in tallies)
    assert found.expiring_soon == exact.expiring_soon == 2
    assert found.oldest_waiting_seconds == pytest.approx(exact.oldest_waiting_seconds, abs=5)
    assert found.oldest_waiting_seconds == pytest.approx(500, abs=5)


def test_nothing_waits(summary: BoardSummary, producer: psycopg.Connection) -> None:
    found = summary.read()
    assert (found.waiting, found.oldest_waiting_seconds) == (Tally(0, is_exact=True), 0.0)
    assert (found.workers, found.paused, found.alarms) == ([], [], [])


def test_above_the_bound_it_estimates(
    summary: BoardSummary,
    producer: psycopg.Connection,
    mixed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "MOST_COUNTED", 2)
    producer.execute("ANALYZE storyboards")
    found = summary.read()
    assert found.failed == Tally(3, is_exact=False)
    assert found.ready == Tally(2, is_exact=True)
    assert (found.waiting.is_exact, found.waiting.count >= 3) == (False, True)


def test_workers_and_what_they_do_not_ask(
    summary: BoardSummary, producer: psycopg.Connection
) -> None:
    for name, age in (("alive", 5), ("dead", 500)):
        producer.execute(
            "INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, "
            "last_seen_at, paused) VALUES (%s, 'h', 1, '1', 16, %s, %s)",
            [name, moment(producer, -age), Jsonb({"a.example": "2026-11-27T00:00:00Z"})],
        )
    found = summary.read()
    assert [worker["worker_id"] for worker in found.workers] == ["alive"]
    assert [(pause["upstream"], pause["worker_id"]) for pause in found.paused] == [
        ("a.example", "alive")
    ]


def test_alarms_of_the_last_day_the_latest_first(
    summary: BoardSummary, producer: psycopg.Connection
) -> None:
    for name, age in (("no_worker", 3600), ("stalled", 60), ("expiring", 90_000), ("seen", None)):
        raised_at = None if age is None else moment(producer, -age)
        producer.execute(
            "INSERT INTO storyboard_alarms (name, raised_at) VALUES (%s, %s)", [name, raised_at]
        )
    assert [alarm.name for alarm in summary.read().alarms] == ["stalled", "no_worker"]


def test_the_newest_pictures(
    summary: BoardSummary, producer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "NEWEST_PICTURES", 2)
    assert summary.read().newest_pictures == []
    for seconds in (-30, -10, -20, 500):
        url = f"https://cdn.example/{seconds}.jpg"
        enqueue(producer, **{**READY, "cdn_url": url, "finished_at": moment(producer, seconds)})
    enqueue(producer, **{**FAILED, "picture_url": "https://cdn.example/older.jpg"})
    assert summary.read().newest_pictures == [
        f"https://cdn.example/{seconds}.jpg" for seconds in (-10, -20)
    ]


def test_now_goes_on_from_when_it_was_read(
    summary: BoardSummary, producer: psycopg.Connection
) -> None:
    found = replace(summary.read(), read_at=time.monotonic() - 60)
    assert (found.now - found.moment).total_seconds() == pytest.approx(60, abs=5)
    assert abs(summary.read().now - moment(producer)).total_seconds() < 5
