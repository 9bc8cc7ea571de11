"""A new ``source_url`` starts a row in any state afresh."""

from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    CLAIM,
    FAILED,
    NO_CLAIM,
    NO_ERROR,
    NO_OUTCOME,
    OTHER_URL,
    PENDING,
    PROCESSING,
    READY,
    URL,
    WAITING,
    change,
    enqueue,
    moment,
    only,
    storyboard,
)

AFRESH = {
    "status": "pending",
    "attempts": 0,
    "finished_at": None,
    **NO_CLAIM,
    **NO_OUTCOME,
    **NO_ERROR,
}
STATES = pytest.mark.parametrize(
    "state",
    [PENDING, WAITING, PROCESSING, READY, FAILED],
    ids=["pending", "waiting", "processing", "ready", "failed"],
)


@STATES
def test_returning_shows_the_row_afresh(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **state)
    row = change(producer, storyboard_id, source_url=OTHER_URL)
    assert only(row, AFRESH) == AFRESH
    assert row["source_url"] == OTHER_URL
    assert row == storyboard(producer, storyboard_id)


@STATES
def test_the_same_url_changes_nothing(producer: psycopg.Connection, state: dict[str, Any]) -> None:
    storyboard_id = enqueue(producer, **state)
    before = storyboard(producer, storyboard_id)
    assert change(producer, storyboard_id, source_url=URL) == before


@STATES
def test_what_the_producer_set_for_the_row_stays(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    own: dict[str, Any] = {
        "project_id": "p",
        "position": 4,
        "priority": 7,
        "max_attempts": 2,
        "sentry_trace": "0123-4567-1",
        "baggage": "sentry-release=1",
    }
    row = change(producer, enqueue(producer, **state, **own), source_url=OTHER_URL)
    assert only(row, own) == own


def test_it_is_due_at_once_though_the_old_image_had_to_wait(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **WAITING, available_at=moment(producer, 3600))
    row = change(producer, storyboard_id, source_url=OTHER_URL)
    assert row["available_at"] == row["updated_at"]


@STATES
def test_a_moment_given_with_it_wins(producer: psycopg.Connection, state: dict[str, Any]) -> None:
    later = moment(producer, 3600)
    row = change(producer, enqueue(producer, **state), source_url=OTHER_URL, available_at=later)
    assert row["available_at"] == later


def test_a_status_given_with_it_does_not_win(producer: psycopg.Connection) -> None:
    row = change(producer, enqueue(producer, **READY), source_url=OTHER_URL, status="ready")
    assert only(row, AFRESH) == AFRESH


def test_an_upsert_regenerates_as_well(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **PROCESSING)
    producer.execute(
        "INSERT INTO storyboards (id, source_url) VALUES (%s, %s) "
        "ON CONFLICT (id) DO UPDATE SET source_url = excluded.source_url",
        [storyboard_id, OTHER_URL],
    )
    assert only(storyboard(producer, storyboard_id), AFRESH) == AFRESH


def test_many_at_once(producer: psycopg.Connection) -> None:
    for state in (PENDING, PROCESSING, READY, FAILED):
        enqueue(producer, **state)
    producer.execute("UPDATE storyboards SET source_url = source_url || '?again'")
    rows = producer.execute("SELECT DISTINCT status, attempts FROM storyboards").fetchall()
    assert rows == [("pending", 0)]


def test_the_old_claim_token_is_gone(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **PROCESSING)
    change(producer, storyboard_id, source_url=OTHER_URL)
    late = producer.execute(
        "UPDATE storyboards SET error_message = 'late' WHERE id = %s AND claim_token = %s",
        [storyboard_id, CLAIM["claim_token"]],
    )
    assert late.rowcount == 0
