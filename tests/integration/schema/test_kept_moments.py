"""The database keeps ``updated_at`` and ``finished_at``."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    A_MOMENT,
    CLAIM,
    FAILED,
    NO_CLAIM,
    NO_ERROR,
    NO_OUTCOME,
    OUTCOME,
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

END_READY = {"status": "ready", **OUTCOME, **NO_CLAIM, **NO_ERROR}
END_FAILED = {**FAILED, **NO_CLAIM}


@pytest.mark.parametrize(
    "columns", [{"priority": 1}, {"source_url": "https://images.example/x"}, {"project_id": "p"}]
)
def test_an_update_moves_updated_at(producer: psycopg.Connection, columns: dict[str, Any]) -> None:
    storyboard_id = enqueue(producer, updated_at=A_MOMENT)
    row = change(producer, storyboard_id, **columns)
    assert row["updated_at"] > row["created_at"] > A_MOMENT


def test_a_moment_given_for_updated_at_does_not_count(producer: psycopg.Connection) -> None:
    row = change(producer, enqueue(producer), priority=1, updated_at=A_MOMENT)
    assert row["updated_at"] > row["created_at"]


@pytest.mark.parametrize("end", [END_READY, END_FAILED], ids=["ready", "failed"])
def test_the_end_is_noted(producer: psycopg.Connection, end: dict[str, Any]) -> None:
    row = change(producer, enqueue(producer, **PROCESSING), **end)
    assert row["finished_at"] == row["updated_at"]


@pytest.mark.parametrize("state", [READY, FAILED], ids=["ready", "failed"])
def test_a_row_that_is_inserted_finished_has_its_end(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    row = storyboard(producer, enqueue(producer, **state))
    assert row["finished_at"] == row["created_at"]


@pytest.mark.parametrize("state", [READY, FAILED], ids=["ready", "failed"])
def test_the_end_of_a_restored_row_stays(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    given: dict[str, Any] = {
        "created_at": A_MOMENT,
        "updated_at": A_MOMENT,
        "finished_at": A_MOMENT,
    }
    row = storyboard(producer, enqueue(producer, **state, **given))
    assert only(row, given) == given


@pytest.mark.parametrize("end", [END_READY, END_FAILED], ids=["ready", "failed"])
def test_an_end_given_with_an_update_does_not_count(
    producer: psycopg.Connection, end: dict[str, Any]
) -> None:
    row = change(producer, enqueue(producer, **PROCESSING), **end, finished_at=A_MOMENT)
    assert row["finished_at"] == row["updated_at"] > A_MOMENT


@pytest.mark.parametrize("state", [READY, FAILED], ids=["ready", "failed"])
def test_later_changes_leave_the_end_alone(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **state)
    ended = storyboard(producer, storyboard_id)["finished_at"]
    row = change(producer, storyboard_id, priority=5)
    assert row["finished_at"] == ended < row["updated_at"]


def test_a_second_end_is_noted_anew(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **FAILED)
    first = storyboard(producer, storyboard_id)["finished_at"]
    assert change(producer, storyboard_id, **END_READY)["finished_at"] > first


@pytest.mark.parametrize("state", [PENDING, WAITING, PROCESSING])
def test_an_unfinished_row_has_no_end(producer: psycopg.Connection, state: dict[str, Any]) -> None:
    row = storyboard(producer, enqueue(producer, **state, finished_at=A_MOMENT))
    assert row["finished_at"] is None


def test_a_row_that_goes_back_loses_its_end(producer: psycopg.Connection) -> None:
    row = change(producer, enqueue(producer, **READY), status="pending", **NO_OUTCOME)
    assert row["finished_at"] is None


@pytest.mark.parametrize(
    "change_of_it", [{"position": 2}, {"status": "pending"}, {**FAILED, **NO_OUTCOME}]
)
def test_a_transaction_that_began_before_the_last_change_moves_no_moment_back(
    dsn: str, producer: psycopg.Connection, change_of_it: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **PROCESSING)
    with psycopg.connect(dsn) as earlier:
        earlier.execute("SELECT now()")
        ready = change(producer, storyboard_id, **END_READY)
        after = change(earlier, storyboard_id, **change_of_it)
    assert after["updated_at"] > ready["updated_at"], "the board and pages tell versions by it"
    if after["status"] == "failed":
        assert after["finished_at"] == after["updated_at"]


def test_two_changes_of_one_transaction_have_two_moments(producer: psycopg.Connection) -> None:
    with producer.transaction():
        storyboard_id = enqueue(producer)
        moments = [change(producer, storyboard_id, position=n)["updated_at"] for n in (1, 2)]
    assert moments[0] < moments[1]


def test_a_moment_far_ahead_of_a_restored_row_does_not_stay(producer: psycopg.Connection) -> None:
    last = datetime(9998, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    storyboard_id = enqueue(producer, updated_at=last)
    row = change(producer, storyboard_id, position=1)
    assert row["updated_at"].year == row["created_at"].year


def test_a_copy_never_took_less_than_no_time(dsn: str, producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer)
    with psycopg.connect(dsn) as earlier:
        earlier.execute("SELECT now()")
        claim = {**CLAIM, "claimed_at": moment(producer), "lease_expires_at": moment(producer, 60)}
        change(producer, storyboard_id, **{**PROCESSING, **NO_ERROR, **claim})
        row = change(earlier, storyboard_id, **END_READY)
    assert row["copy_seconds"] >= 0
