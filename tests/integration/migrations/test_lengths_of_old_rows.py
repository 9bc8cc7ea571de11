"""Limits of length are added to a table that is in use and holds longer values."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from tests.support.producing import (
    FAILED,
    PENDING,
    PROCESSING,
    READY,
    URL,
    WAITING,
    change,
    enqueue,
    only,
    storyboard,
)
from tests.support.revisions import later_than
from tests.support.stepping import upgrade_to
from tests.support.watching import until, waiting_for_a_lock

LONG_URL = f"{URL}?{'q' * 20_000}"
LONG_HOST = f"https://{'a.' * 200}example/a.jpeg"
LONG = [LONG_URL, LONG_HOST, f"https://{'a' * 20_000}/"]
LONG_PROJECT = "p" * 5000


@pytest.fixture
def at_0004(empty: Database, empty_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The producer's connection to a database as it was before."""
    upgrade_to(empty, "0004")
    with psycopg.connect(empty_dsn, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("SET lock_timeout = '2s'")
        yield connection


@pytest.mark.parametrize("url", LONG, ids=len)
@pytest.mark.parametrize("columns", [PENDING, WAITING, PROCESSING])
def test_a_row_that_could_not_wait_again_has_failed_and_keeps_its_url(
    empty: Database, at_0004: psycopg.Connection[Any], columns: dict[str, Any], url: str
) -> None:
    storyboard_id = enqueue(at_0004, url, **columns)
    schema.upgrade(empty)
    row = storyboard(at_0004, storyboard_id)
    assert (row["status"], row["error_code"]) == ("failed", "source_blocked")
    assert "more than" in row["error_message"]
    assert (row["source_url"], row["attempts"]) == (url, columns["attempts"])
    assert change(at_0004, storyboard_id, source_url=URL)["status"] == "pending"


@pytest.mark.parametrize("url", LONG, ids=len)
@pytest.mark.parametrize("columns", [READY, FAILED])
def test_a_finished_row_stays_as_it_is(
    empty: Database, at_0004: psycopg.Connection[Any], columns: dict[str, Any], url: str
) -> None:
    before = storyboard(at_0004, enqueue(at_0004, url, **columns))
    schema.upgrade(empty)
    assert only(storyboard(at_0004, before["id"]), before) == before
    change(at_0004, before["id"], priority=1)


@pytest.mark.parametrize("columns", [PENDING, PROCESSING, READY, FAILED])
def test_a_project_stays_together_and_apart_from_others(
    empty: Database, at_0004: psycopg.Connection[Any], columns: dict[str, Any]
) -> None:
    projects = [LONG_PROJECT, LONG_PROJECT, f"{LONG_PROJECT}q", "🎬" * 1000, "short", None]
    ids = [enqueue(at_0004, project_id=project, **columns) for project in projects]
    before = [storyboard(at_0004, id_) for id_ in ids]
    schema.upgrade(empty)
    after = [storyboard(at_0004, id_) for id_ in ids]
    one, same, other, film, *kept = [row["project_id"] for row in after]
    assert one == same
    assert len({one, other, film}) == 3
    assert one.startswith("p" * 200 + "-")
    assert film.startswith("🎬" * 200 + "-")
    assert kept == ["short", None]
    # Nothing else in them has changed, and each may be changed again.
    for was, row in zip(before, after, strict=True):
        assert only(row, was) == {
            **was,
            "project_id": row["project_id"],
            "updated_at": row["updated_at"],
        }
    at_0004.execute("UPDATE storyboards SET priority = 1")


def test_a_row_that_is_too_long_in_every_way(
    empty: Database, at_0004: psycopg.Connection[Any]
) -> None:
    storyboard_id = enqueue(at_0004, LONG[2], project_id=LONG_PROJECT)
    schema.upgrade(empty)
    row = storyboard(at_0004, storyboard_id)
    assert (row["status"], len(row["project_id"]) < 1024) == ("failed", True)


def test_rows_written_in_between_are_found(
    empty_dsn: str,
    at_0004: psycopg.Connection[Any],
    migrating: Callable[[], Future[list[str]]],
) -> None:
    with psycopg.connect(empty_dsn) as holder:
        # The rows are not visible before they are committed, which is after the look at every row.
        rows = [
            enqueue(holder, url, project_id=LONG_PROJECT, **columns)
            for url in LONG
            for columns in (PENDING, PROCESSING)
        ]
        good = enqueue(holder, project_id=LONG_PROJECT)
        migration = migrating()
        until(lambda: waiting_for_a_lock(at_0004) == 1)
    assert migration.result(timeout=30) == later_than("0004")
    assert {storyboard(at_0004, id_)["status"] for id_ in rows} == {"failed"}
    assert storyboard(at_0004, good)["status"] == "pending"
    at_0004.execute("UPDATE storyboards SET priority = 1")
