"""One statement gives all counts."""

from typing import Any

import psycopg
import pytest

from storyboard_worker.queries.counts import Counts, StoryboardCounts
from tests.support.producing import CLAIM, FAILED, PROCESSING, READY, change, enqueue, moment


def test_an_empty_table(counts: StoryboardCounts) -> None:
    assert counts.read() == Counts(0, 0, 0, 0, 0.0, 0, 0)


def test_each_status_by_itself(counts: StoryboardCounts, producer: psycopg.Connection) -> None:
    states: list[tuple[int, dict[str, Any]]] = [
        (4, {}),
        (3, PROCESSING),
        (2, READY),
        (1, FAILED),
    ]
    for number, state in states:
        for _ in range(number):
            enqueue(producer, **state)
    found = counts.read()
    assert (found.waiting, found.processing, found.ready, found.failed) == (4, 3, 2, 1)


def test_the_longest_wait_is_that_of_a_row_that_could_be_claimed(
    counts: StoryboardCounts, producer: psycopg.Connection
) -> None:
    enqueue(producer, available_at=moment(producer, -500))
    enqueue(producer, available_at=moment(producer, -100))
    enqueue(producer, available_at=moment(producer, 900))
    enqueue(producer, available_at=moment(producer, -9000), source_expires_at=moment(producer, -1))
    enqueue(producer, **FAILED, available_at=moment(producer, -9000))
    assert counts.read().oldest_waiting_seconds == pytest.approx(500, abs=10)


def test_nothing_waits_when_all_rows_are_for_later(
    counts: StoryboardCounts, producer: psycopg.Connection
) -> None:
    enqueue(producer, available_at=moment(producer, 900))
    found = counts.read()
    assert (found.waiting, found.oldest_waiting_seconds) == (1, 0.0)


def test_unfinished_rows_that_expire_within_two_hours(
    counts: StoryboardCounts, producer: psycopg.Connection
) -> None:
    soon = moment(producer, 7000)
    enqueue(producer, source_expires_at=soon)
    enqueue(producer, source_expires_at=soon, status="processing", **CLAIM)
    enqueue(producer, source_expires_at=soon, **READY)
    enqueue(producer, source_expires_at=soon, **FAILED)
    enqueue(producer, source_expires_at=moment(producer, 7400))
    enqueue(producer, source_expires_at=moment(producer, -1))
    enqueue(producer)
    assert counts.read().expiring_soon == 2


def test_what_became_ready_within_five_minutes(
    counts: StoryboardCounts, producer: psycopg.Connection
) -> None:
    for seconds in (-10, -290, -310, -9000):
        storyboard_id = enqueue(producer, **READY)
        change(producer, storyboard_id, finished_at=moment(producer, seconds))
    enqueue(producer, **FAILED)
    found = counts.read()
    assert found.ready_lately == 2
    assert found.ready_per_minute == pytest.approx(0.4)
