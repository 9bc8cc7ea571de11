"""``status = 'pending'`` on a row that was worked on starts it afresh."""

from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    FAILED,
    NO_CLAIM,
    NO_ERROR,
    NO_OUTCOME,
    PENDING,
    PROCESSING,
    READY,
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
WORKED_ON = pytest.mark.parametrize(
    "state", [PROCESSING, READY, FAILED], ids=["processing", "ready", "failed"]
)


@WORKED_ON
def test_attempts_outcome_error_and_claim_are_cleared(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    row = change(producer, enqueue(producer, **state), status="pending")
    assert only(row, AFRESH) == AFRESH


@WORKED_ON
def test_it_is_due_at_once(producer: psycopg.Connection, state: dict[str, Any]) -> None:
    storyboard_id = enqueue(producer, **state, available_at=moment(producer, 3600))
    row = change(producer, storyboard_id, status="pending")
    assert row["available_at"] == row["updated_at"]


@WORKED_ON
def test_a_moment_given_with_it_wins(producer: psycopg.Connection, state: dict[str, Any]) -> None:
    later = moment(producer, 3600)
    row = change(producer, enqueue(producer, **state), status="pending", available_at=later)
    assert row["available_at"] == later


@WORKED_ON
def test_url_and_expiry_stay(producer: psycopg.Connection, state: dict[str, Any]) -> None:
    later = moment(producer, 3600)
    storyboard_id = enqueue(producer, **state, source_expires_at=later)
    before = storyboard(producer, storyboard_id)
    row = change(producer, storyboard_id, status="pending")
    assert row["source_url"] == before["source_url"]
    assert row["source_expires_at"] == later


@pytest.mark.parametrize("state", [PENDING, WAITING], ids=["pending", "waiting"])
def test_on_a_row_that_waits_it_changes_nothing(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **state, available_at=moment(producer, 60))
    before = storyboard(producer, storyboard_id)
    assert change(producer, storyboard_id, status="pending") == before


def test_a_workers_own_way_back_keeps_attempts_and_error(producer: psycopg.Connection) -> None:
    """It clears the claim in the same statement, which a producer never does."""
    row = change(producer, enqueue(producer, **PROCESSING), status="pending", **NO_CLAIM)
    kept = {name: PROCESSING[name] for name in ("attempts", *NO_ERROR)}
    assert only(row, kept) == kept
    assert only(row, NO_CLAIM) == NO_CLAIM
