"""The newest picture of a row stays until another one is ready."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.support.producing import (
    FAILED,
    NO_CLAIM,
    NO_ERROR,
    NO_OUTCOME,
    OTHER_URL,
    OUTCOME,
    PENDING,
    PROCESSING,
    READY,
    change,
    delete,
    enqueue,
    only,
    storyboard,
)

NO_PICTURE: dict[str, Any] = {"picture_url": None, "picture_public_id": None}
PICTURE = {"picture_url": OUTCOME["cdn_url"], "picture_public_id": OUTCOME["public_id"]}
# What a worker writes when the image is stored.
COMPLETED: dict[str, Any] = {**READY, **NO_CLAIM, **NO_ERROR}
ANOTHER = {"cdn_url": "https://cdn.example/another.jpg", "public_id": "storyboards/another"}
ANOTHER_PICTURE = {
    "picture_url": ANOTHER["cdn_url"],
    "picture_public_id": ANOTHER["public_id"],
}
BROKEN: dict[str, Any] = {**FAILED, **NO_CLAIM}


def picture(producer: psycopg.Connection, storyboard_id: UUID) -> dict[str, Any]:
    return only(storyboard(producer, storyboard_id), PICTURE)


def shown_url(producer: psycopg.Connection) -> str | None:
    with producer.cursor(row_factory=dict_row) as cursor:
        [row] = cursor.execute("SELECT * FROM storyboard_progress")
    url: str | None = row["picture_url"]
    return url


@pytest.mark.parametrize("state", [PENDING, PROCESSING, FAILED])
def test_there_is_none_before_the_first(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    assert picture(producer, enqueue(producer, **state)) == NO_PICTURE
    assert shown_url(producer) is None


def test_it_comes_when_the_row_becomes_ready(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **PROCESSING)
    assert only(change(producer, storyboard_id, **COMPLETED), PICTURE) == PICTURE
    assert shown_url(producer) == OUTCOME["cdn_url"]


def test_it_comes_with_a_row_that_is_inserted_ready(producer: psycopg.Connection) -> None:
    assert picture(producer, enqueue(producer, **READY)) == PICTURE


@pytest.mark.parametrize("afresh", [{"source_url": OTHER_URL}, {"status": "pending"}])
def test_it_stays_while_the_next_one_is_made_and_when_that_fails(
    producer: psycopg.Connection, afresh: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **READY)
    for step in (afresh, PROCESSING, BROKEN, {"status": "pending"}, PROCESSING):
        row = change(producer, storyboard_id, **step)
        assert only(row, {**PICTURE, **NO_OUTCOME}) == {**PICTURE, **NO_OUTCOME}
        assert shown_url(producer) == OUTCOME["cdn_url"]
    row = change(producer, storyboard_id, **{**COMPLETED, **ANOTHER})
    assert only(row, PICTURE) == ANOTHER_PICTURE


def test_a_restore_may_give_it(producer: psycopg.Connection) -> None:
    for state in (PENDING, FAILED):
        assert picture(producer, enqueue(producer, **state, **PICTURE)) == PICTURE


def test_a_ready_row_from_before_the_column_keeps_its_picture(
    producer: psycopg.Connection,
) -> None:
    storyboard_id = enqueue(producer, **READY)
    with producer.transaction():
        producer.execute("SET LOCAL session_replication_role = replica")
        change(producer, storyboard_id, **NO_PICTURE)
    row = change(producer, storyboard_id, source_url=OTHER_URL)
    assert only(row, PICTURE) == PICTURE


def test_filling_it_in_changes_nothing_else(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **READY)
    before = storyboard(producer, storyboard_id)
    with producer.transaction():
        producer.execute("SET LOCAL session_replication_role = replica")
        change(producer, storyboard_id, **NO_PICTURE)
    change(producer, storyboard_id, picture_url=None)
    assert storyboard(producer, storyboard_id) == before


def test_it_goes_with_its_row(producer: psycopg.Connection) -> None:
    delete(producer, enqueue(producer, **READY))
    assert producer.execute("SELECT * FROM storyboard_progress").fetchall() == []
