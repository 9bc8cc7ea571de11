"""Rows that waited before the migration get the expiry of their links, and their rank.

A migration that was interrupted goes on.
"""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, online_ddl, schema
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.queries.claims import StoryboardQueue
from tests.support.catalog import catalog, version
from tests.support.producing import (
    A_MOMENT,
    FAILED,
    PENDING,
    PROCESSING,
    READY,
    WAITING,
    enqueue,
    only,
    storyboard,
)
from tests.support.revisions import later_than
from tests.support.stepping import upgrade_to
from tests.support.waiting_rows import BEFORE

A_DAY = timedelta(hours=24)
SIGNED = "https://images.example/a?Expires=1935904089&Signature=a"


def queue_of(database: Database) -> StoryboardQueue:
    return StoryboardQueue(database, worker_id="w", lease_seconds=60)


@pytest.mark.parametrize("columns", [PENDING, WAITING])
def test_waiting_rows_are_read_and_ranked(
    empty: Database, before: psycopg.Connection[Any], columns: dict[str, Any]
) -> None:
    signed = enqueue(before, SIGNED, **columns)
    before.execute("UPDATE storyboards SET source_expires_at = NULL")
    known = enqueue(before, source_expires_at=A_MOMENT, **columns)
    unknown = enqueue(before, source_set_at=A_MOMENT, **columns)
    schema.upgrade(empty)
    row = storyboard(before, signed)
    assert row["source_expires_at"] is not None
    assert row["effective_expires_at"] == row["source_expires_at"]
    assert storyboard(before, known)["effective_expires_at"] == A_MOMENT
    row = storyboard(before, unknown)
    assert (row["source_expires_at"], row["effective_expires_at"]) == (None, A_MOMENT + A_DAY)


def test_nothing_else_of_them_changes(empty: Database, before: psycopg.Connection[Any]) -> None:
    rows = [
        storyboard(before, enqueue(before, source_set_at=A_MOMENT, updated_at=A_MOMENT, **columns))
        for columns in (PENDING, WAITING)
    ]
    schema.upgrade(empty)
    assert [only(storyboard(before, row["id"]), row) for row in rows] == rows


def test_rows_that_are_finished_or_in_work_are_not_touched(
    empty: Database, before: psycopg.Connection[Any]
) -> None:
    for columns in (PROCESSING, READY, FAILED):
        enqueue(before, SIGNED, **columns)
    places = "SELECT id, (ctid, xmin)::text FROM storyboards ORDER BY id"
    found = before.execute(places).fetchall()
    upgrade_to(empty, "0008")
    assert before.execute(places).fetchall() == found


def test_rows_come_in_the_order_of_their_links(
    empty: Database, before: psycopg.Connection[Any]
) -> None:
    a_day_from_now = "now() + interval '24 hours'"
    before.execute(
        "INSERT INTO storyboards (source_url, source_set_at, source_expires_at) "
        "SELECT 'https://images.example/' || n, now() - make_interval(secs => n), "
        f"CASE WHEN n %% 2 = 0 THEN {a_day_from_now} - make_interval(secs => n) END "
        "FROM generate_series(1, %s) AS n",
        [5000],
    )
    schema.upgrade(empty)
    claims = queue_of(empty).claim(5000)
    names = [int(claim.source_url.rpartition("/")[2]) for claim in claims]
    assert names == list(range(5000, 0, -1))


def test_before_it_the_worker_says_what_is_missing(
    empty: Database, before: psycopg.Connection[Any]
) -> None:
    enqueue(before)
    with pytest.raises(SchemaOutdated, match="storyboard-worker migrate"):
        queue_of(empty).claim(1)


def test_a_table_that_is_never_free_is_left_alone(
    empty: Database,
    empty_dsn: str,
    before: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(online_ddl, "MOST_TRIES", 3)
    made = catalog(empty_dsn)
    with psycopg.connect(empty_dsn) as holder:
        enqueue(holder)
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            schema.upgrade(empty)
        assert version(empty_dsn) == BEFORE
    left = catalog(empty_dsn)
    assert (left["columns"], left["indexes"]) == (made["columns"], made["indexes"])
    assert schema.upgrade(empty) == later_than(BEFORE)
