"""Attempts whose row goes, or gets another image, are noted: they may still store a picture."""

from typing import Any

import psycopg
import pytest

from storyboard_worker.storyboard import public_id
from tests.support.producing import (
    FAILED,
    NO_CLAIM,
    NO_ERROR,
    OTHER_URL,
    PENDING,
    PROCESSING,
    READY,
    change,
    delete,
    enqueue,
)

SOURCES = (
    "https://images.example/panel.jpeg?X-Tos-Signature=a?b",
    "https://images.example/图像.png",
)


def departures(producer: psycopg.Connection) -> list[tuple[str, str]]:
    """The public id that each may store, and why it was noted."""
    return producer.execute(
        "SELECT 'f/' || storyboard_id || '-' || source_digest, reason FROM storyboard_departures"
    ).fetchall()


@pytest.mark.parametrize("source_url", SOURCES)
@pytest.mark.parametrize("role", [None, "service_role"])
def test_a_row_that_is_deleted_while_it_is_processed(
    producer: psycopg.Connection, source_url: str, role: str | None
) -> None:
    storyboard_id = enqueue(producer, source_url, **PROCESSING)
    if role:
        producer.execute(f"SET ROLE {role}")
    delete(producer, storyboard_id)
    producer.execute("RESET ROLE")
    assert departures(producer) == [(public_id("f", storyboard_id, source_url), "deleted")]


@pytest.mark.parametrize("source_url", SOURCES)
def test_a_row_that_gets_another_image_while_it_is_processed(
    producer: psycopg.Connection, source_url: str
) -> None:
    storyboard_id = enqueue(producer, source_url, **PROCESSING)
    change(producer, storyboard_id, source_url=OTHER_URL)
    assert departures(producer) == [(public_id("f", storyboard_id, source_url), "replaced")]


@pytest.mark.parametrize("state", [PENDING, FAILED, READY])
def test_other_rows_leave_nothing(producer: psycopg.Connection, state: dict[str, Any]) -> None:
    storyboard_id = enqueue(producer, **state)
    change(producer, storyboard_id, source_url=OTHER_URL)
    delete(producer, storyboard_id)
    assert departures(producer) == []


def test_the_end_of_an_attempt_leaves_nothing(producer: psycopg.Connection) -> None:
    change(producer, enqueue(producer, **PROCESSING), **READY, **NO_CLAIM, **NO_ERROR)
    assert departures(producer) == []
