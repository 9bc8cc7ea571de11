"""Rows that were ready before the migration get their picture, and nothing else of them changes."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from tests.support.producing import (
    A_MOMENT,
    FAILED,
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
from tests.support.revisions import later_than
from tests.support.stepping import upgrade_to
from tests.support.watching import count

BEFORE_PICTURES = "0008"
PICTURE = {"picture_url": OUTCOME["cdn_url"], "picture_public_id": OUTCOME["public_id"]}
ORPHANS = "SELECT count(*) FROM storyboard_orphans"


@pytest.fixture
def older(empty: Database, empty_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The producer's connection to a database as it was before rows kept their pictures."""
    upgrade_to(empty, BEFORE_PICTURES)
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '1s'")
        yield connection


def test_ready_rows_are_filled_and_nothing_else_of_them_changes(
    empty: Database, older: psycopg.Connection[Any]
) -> None:
    past: dict[str, Any] = {"created_at": A_MOMENT, "updated_at": A_MOMENT}
    before = [storyboard(older, enqueue(older, **READY, **past)) for _ in range(3)]
    assert schema.upgrade(empty) == later_than(BEFORE_PICTURES)
    for row in before:
        now = storyboard(older, row["id"])
        assert only(now, row) == row
        assert only(now, PICTURE) == PICTURE
    assert count(older, ORPHANS) == 0


def test_other_rows_are_not_touched(empty: Database, older: psycopg.Connection[Any]) -> None:
    for columns in (PENDING, PROCESSING, FAILED):
        enqueue(older, **columns)
    places = "SELECT id, (ctid, xmin)::text FROM storyboards ORDER BY id"
    found = older.execute(places).fetchall()
    schema.upgrade(empty)
    assert older.execute(places).fetchall() == found


def test_a_row_that_is_locked_all_the_time_is_filled_by_its_next_write(
    empty: Database, empty_dsn: str, older: psycopg.Connection[Any]
) -> None:
    held = enqueue(older, **READY)
    enqueue(older, **READY)
    with psycopg.connect(empty_dsn) as holder:
        # While the lock is held no column can be added, so the columns are there before.
        upgrade_to(empty, "0009")
        older.execute("SET session_replication_role = replica")
        older.execute("UPDATE storyboards SET picture_url = NULL, picture_public_id = NULL")
        older.execute("RESET session_replication_role")
        older.execute("UPDATE storyboard_worker_version SET version_num = '0008'")
        holder.execute("SELECT FROM storyboards WHERE id = %s FOR UPDATE", [held])
        upgrade_to(empty, "0009")
        missing = "SELECT count(*) FROM storyboards WHERE picture_url IS NULL"
        assert count(older, missing) == 1
    assert only(change(older, held, source_url=OTHER_URL), PICTURE) == PICTURE


def test_pictures_of_old_rows_are_listed_when_they_are_deleted(
    empty: Database, older: psycopg.Connection[Any]
) -> None:
    storyboard_id = enqueue(older, **READY)
    schema.upgrade(empty)
    delete(older, storyboard_id)
    assert count(older, ORPHANS) == 1
