"""A link of unknown expiry is treated as if it died a day after it was set."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    A_MOMENT,
    FAILED,
    OTHER_URL,
    PROCESSING,
    READY,
    change,
    enqueue,
    storyboard,
)

A_DAY = timedelta(hours=24)
SIGNED = "https://images.example/a?Expires=1935904089&Signature=a"
LATER = A_MOMENT + timedelta(days=3)


def effective(row: dict[str, Any]) -> datetime:
    found: datetime = row["effective_expires_at"]
    return found


def test_the_expiry_that_is_known(producer: psycopg.Connection) -> None:
    for given in ({"source_url": SIGNED}, {"source_expires_at": A_MOMENT}):
        row = storyboard(producer, enqueue(producer, **given))
        assert effective(row) == row["source_expires_at"]


def test_a_day_after_the_link_was_set(producer: psycopg.Connection) -> None:
    row = storyboard(producer, enqueue(producer))
    assert effective(row) == row["source_set_at"] + A_DAY


def test_a_day_has_24_hours_in_any_time_zone(producer: psycopg.Connection) -> None:
    """Within the 24 hours from here, clocks in New York lose one hour."""
    producer.execute("SET TIME ZONE 'America/New_York'")
    row = storyboard(producer, enqueue(producer, source_set_at="2026-03-07 12:00-05"))
    assert effective(row) == datetime(2026, 3, 8, 17, tzinfo=UTC)


@pytest.mark.parametrize("columns", [PROCESSING, READY, FAILED])
def test_a_row_started_afresh_has_a_new_day(
    producer: psycopg.Connection, columns: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, source_set_at=A_MOMENT, **columns)
    assert effective(storyboard(producer, storyboard_id)) == A_MOMENT + A_DAY
    row = change(producer, storyboard_id, status="pending")
    assert effective(row) == row["source_set_at"] + A_DAY
    assert row["source_set_at"] > A_MOMENT


def test_a_new_link_has_its_own_expiry(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, source_set_at=A_MOMENT)
    row = change(producer, storyboard_id, source_url=SIGNED)
    assert effective(row) == row["source_expires_at"]
    row = change(producer, storyboard_id, source_url=OTHER_URL)
    assert effective(row) == row["source_set_at"] + A_DAY


def test_it_follows_an_expiry_that_is_set_and_unset(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, source_set_at=A_MOMENT)
    assert effective(change(producer, storyboard_id, source_expires_at=LATER)) == LATER
    row = change(producer, storyboard_id, source_expires_at=None)
    assert effective(row) == A_MOMENT + A_DAY


def test_a_value_that_a_producer_writes_there_does_not_count(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, source_set_at=A_MOMENT, effective_expires_at=LATER)
    assert effective(storyboard(producer, storyboard_id)) == A_MOMENT + A_DAY
    for given in (LATER, None):
        row = change(producer, storyboard_id, effective_expires_at=given)
        assert effective(row) == A_MOMENT + A_DAY


def test_rows_from_before_it_was_known_when_a_link_was_set(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, created_at=LATER)
    producer.execute(
        "SET session_replication_role = replica; UPDATE storyboards SET source_set_at = NULL;"
        "SET session_replication_role = origin"
    )
    assert effective(change(producer, storyboard_id, priority=1)) == LATER + A_DAY


def test_the_latest_moment_is_no_obstacle(producer: psycopg.Connection) -> None:
    enqueue(producer, source_set_at="9998-12-31 23:59:59.999999+00")
