"""Rows that waited before their links could be read, or ranked, are read and ranked when the schema
is migrated; a migration that was interrupted goes on."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, online_ddl, schema
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.migrations.commands import start_migrate
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
from tests.support.revisions import NEWEST, later_than
from tests.support.waiting_rows import BEFORE
from tests.support.watching import asking_for_the_lock, count, until

A_DAY = timedelta(hours=24)
SIGNED = "https://images.example/a?Expires=1935904089&Signature=a"
INDEXES = ("storyboards_claim_idx", "storyboards_tried_idx", "storyboards_lost_idx")
AS_IF_INTERRUPTED = f"UPDATE storyboard_worker_version SET version_num = '{BEFORE}'"
WITHOUT_TRIGGERS = "SET session_replication_role = replica"
WAITS_FOR_WRITERS = (
    "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() "
    "AND phase = 'waiting for writers before build'"
)
END_BUILDING = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_progress_create_index "
    "WHERE datname = current_database()"
)
HELD_FOR_LONG = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE datname = current_database() AND locktype = 'advisory' AND granted
AND xact_start < now() - interval '1.5 seconds'
"""
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


@pytest.fixture
def interrupted(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The same on a database where everything is done but the version is not recorded."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(AS_IF_INTERRUPTED)
        connection.execute("SET lock_timeout = '1s'")
        yield connection


@pytest.fixture
def migration() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def other(dsn: str) -> Iterator[Database]:
    """The lock of another worker or of another deployment."""
    database = Database(dsn)
    yield database
    database.close()


def queue_of(database: Database) -> StoryboardQueue:
    return StoryboardQueue(database, worker_id="w", lease_seconds=60)


def uncommitted(dsn: str) -> psycopg.Connection[Any]:
    """A transaction that has written a row and not committed it. A new index waits for it."""
    holder = psycopg.connect(dsn)
    enqueue(holder)
    return holder


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
    schema.upgrade(empty)
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


def rebuild(connection: psycopg.Connection[Any], index: str) -> None:
    """The state before, so that the index has to be built anew."""
    connection.execute(f"DROP INDEX {index}".encode())
    connection.execute(f"CREATE INDEX {index} ON storyboards (id)".encode())


def test_rows_are_taken_in_and_worked_off_while_an_index_is_built(
    dsn: str,
    database: Database,
    other: Database,
    interrupted: psycopg.Connection[Any],
    migration: ThreadPoolExecutor,
) -> None:
    rebuild(interrupted, INDEXES[1])
    with uncommitted(dsn):
        migrating = migration.submit(schema.upgrade, database)
        until(lambda: count(interrupted, WAITS_FOR_WRITERS) == 1)
        id_ = enqueue(interrupted)
        assert [claim.id for claim in queue_of(other).claim(5)] == [id_]
        assert count(interrupted, WAITS_FOR_WRITERS) == 1, "the migration still waits"
    assert migrating.result(timeout=30) == later_than(BEFORE)


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_that_was_left_half_built_is_built_again(
    dsn: str,
    database: Database,
    interrupted: psycopg.Connection[Any],
    migration: ThreadPoolExecutor,
    index: str,
) -> None:
    whole = catalog(dsn)
    rebuild(interrupted, index)
    with uncommitted(dsn):
        migrating = migration.submit(schema.upgrade, database)
        until(lambda: count(interrupted, WAITS_FOR_WRITERS) == 1)
        assert count(interrupted, END_BUILDING) == 1
        assert_lost(migrating)
    assert version(dsn) == BEFORE
    assert count(interrupted, INVALID) == 1
    assert schema.upgrade(database) == later_than(BEFORE)
    assert catalog(dsn) == whole
    assert count(interrupted, INVALID) == 0


def assert_lost(migrating: Future[list[str]]) -> None:
    with pytest.raises(DatabaseUnavailable):
        migrating.result(timeout=30)


def test_a_second_deployment_waits_until_the_first_has_built(
    dsn: str,
    database: Database,
    interrupted: psycopg.Connection[Any],
    migration: ThreadPoolExecutor,
) -> None:
    rebuild(interrupted, INDEXES[0])
    with uncommitted(dsn) as holder:
        migrating = migration.submit(schema.upgrade, database)
        until(lambda: count(interrupted, WAITS_FOR_WRITERS) == 1)
        with start_migrate(dsn=dsn) as second:
            until(lambda: asking_for_the_lock(interrupted) == 1)
            holder.rollback()
            assert migrating.result(timeout=30) == later_than(BEFORE)
            printed, _ = second.communicate(timeout=30)
    assert printed == f"nothing to do: the schema is at {NEWEST}\n"


def test_the_lock_is_kept_while_an_index_takes_long(
    dsn: str, interrupted: psycopg.Connection[Any], migration: ThreadPoolExecutor
) -> None:
    """The wait is longer than a session may be idle."""
    rebuild(interrupted, INDEXES[0])
    hasty = Database(dsn, timeout_seconds=0.5)
    with uncommitted(dsn):
        migrating = migration.submit(schema.upgrade, hasty)
        until(lambda: count(interrupted, WAITS_FOR_WRITERS) == 1)
        until(lambda: count(interrupted, HELD_FOR_LONG) == 1)
    assert migrating.result(timeout=30) == later_than(BEFORE)
    hasty.close()


def test_a_row_that_is_locked_for_a_while_is_filled_in_the_end(
    dsn: str,
    database: Database,
    interrupted: psycopg.Connection[Any],
    migration: ThreadPoolExecutor,
) -> None:
    rebuild(interrupted, INDEXES[2])
    interrupted.execute(WITHOUT_TRIGGERS)
    held, free = (enqueue(interrupted, source_expires_at=A_MOMENT) for _ in range(2))
    interrupted.execute("RESET session_replication_role")
    with uncommitted(dsn) as holder:
        holder.execute("SELECT FROM storyboards WHERE id = %s FOR UPDATE", [held])
        migrating = migration.submit(schema.upgrade, database)
        until(lambda: count(interrupted, WAITS_FOR_WRITERS) == 1)
        assert storyboard(interrupted, free)["effective_expires_at"] == A_MOMENT
        assert storyboard(interrupted, held)["effective_expires_at"] != A_MOMENT
    migrating.result(timeout=30)
    assert storyboard(interrupted, held)["effective_expires_at"] == A_MOMENT
