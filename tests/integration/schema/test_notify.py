"""Every insert or update that makes a row claimable now sends ``NOTIFY storyboards``."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    A_MOMENT,
    CLAIM,
    FAILED,
    NO_CLAIM,
    NO_ERROR,
    OTHER_URL,
    OUTCOME,
    PENDING,
    PROCESSING,
    READY,
    URL,
    WAITING,
    change,
    delete,
    enqueue,
    moment,
)

Heard = Callable[[], list[str]]

ONCE = [""]
LATER = object()  # Stands for a future moment by the database's clock


def filled_in(producer: psycopg.Connection, columns: dict[str, Any]) -> dict[str, Any]:
    later = moment(producer, 3600)
    return {name: later if value is LATER else value for name, value in columns.items()}


@pytest.mark.parametrize(
    "columns", [{}, PENDING, WAITING, {"available_at": A_MOMENT}, {"source_expires_at": LATER}]
)
def test_an_insert_that_is_due_is_told(
    producer: psycopg.Connection, heard: Heard, columns: dict[str, Any]
) -> None:
    enqueue(producer, **filled_in(producer, columns))
    assert heard() == ONCE


@pytest.mark.parametrize("columns", [{"available_at": LATER}, PROCESSING, READY, FAILED])
def test_an_insert_that_is_not_due_is_not_told(
    producer: psycopg.Connection, heard: Heard, columns: dict[str, Any]
) -> None:
    enqueue(producer, **filled_in(producer, columns))
    assert heard() == []


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        (PENDING, {"source_url": OTHER_URL}),
        (PROCESSING, {"source_url": OTHER_URL}),
        (READY, {"source_url": OTHER_URL}),
        (FAILED, {"source_url": OTHER_URL}),
        (PROCESSING, {"status": "pending"}),
        (READY, {"status": "pending"}),
        (FAILED, {"status": "pending"}),
        ({**WAITING, "available_at": LATER}, {"available_at": A_MOMENT}),
        ({**WAITING, "available_at": LATER}, {"source_url": OTHER_URL}),
        ({**PENDING, "source_expires_at": A_MOMENT}, {"source_expires_at": LATER}),
        ({**PENDING, "source_expires_at": A_MOMENT}, {"source_expires_at": None}),
        (PROCESSING, {"status": "pending", **NO_CLAIM}),
        (PROCESSING, {"status": "pending", "available_at": A_MOMENT, **NO_CLAIM}),
    ],
)
def test_an_update_that_makes_a_row_due_is_told(
    producer: psycopg.Connection, heard: Heard, state: dict[str, Any], columns: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **filled_in(producer, state))
    heard()
    change(producer, storyboard_id, **filled_in(producer, columns))
    assert heard() == ONCE


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        (PENDING, {"source_url": URL}),
        (PENDING, {"status": "pending"}),
        (PENDING, {"project_id": "p"}),
        (PENDING, {"available_at": LATER}),
        (PENDING, {"status": "processing", **CLAIM}),
        (PROCESSING, {"lease_expires_at": LATER}),
        (PROCESSING, {"status": "pending", "available_at": LATER, **NO_CLAIM}),
        (PROCESSING, {"status": "pending", "available_at": LATER}),
        (PROCESSING, {"status": "ready", **OUTCOME, **NO_CLAIM, **NO_ERROR}),
        (PROCESSING, {**FAILED, **NO_CLAIM}),
        (READY, {"source_url": OTHER_URL, "available_at": LATER}),
        (FAILED, {"priority": 3}),
    ],
)
def test_another_update_is_not(
    producer: psycopg.Connection, heard: Heard, state: dict[str, Any], columns: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **filled_in(producer, state))
    heard()
    change(producer, storyboard_id, **filled_in(producer, columns))
    assert heard() == []


def test_a_delete_is_not(producer: psycopg.Connection, heard: Heard) -> None:
    storyboard_id = enqueue(producer)
    heard()
    delete(producer, storyboard_id)
    assert heard() == []


def test_a_bulk_insert_is_told_once(producer: psycopg.Connection, heard: Heard) -> None:
    producer.execute(
        "INSERT INTO storyboards (source_url) "
        "SELECT 'https://images.example/' || n FROM generate_series(1, 1000) AS n"
    )
    assert heard() == ONCE


def test_one_due_row_among_many_is_enough(producer: psycopg.Connection, heard: Heard) -> None:
    producer.execute(
        "INSERT INTO storyboards (source_url, available_at) "
        "SELECT 'https://images.example/' || n, now() + make_interval(hours => n - 1) "
        "FROM generate_series(1, 100) AS n"
    )
    assert heard() == ONCE


def test_it_is_told_at_the_commit(dsn: str, producer: psycopg.Connection, heard: Heard) -> None:
    with psycopg.connect(dsn) as slow:
        enqueue(slow)
        assert heard() == []
        slow.commit()
    assert heard() == ONCE


def test_a_row_dated_within_its_own_transaction_is_told(
    dsn: str, producer: psycopg.Connection, heard: Heard
) -> None:
    """Its moment is later than the start of the transaction, but not later than the commit."""
    with psycopg.connect(dsn) as slow:
        slow.execute("SELECT 1")
        enqueue(slow, available_at=moment(producer))
    assert heard() == ONCE
