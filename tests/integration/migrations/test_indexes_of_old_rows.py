"""Indexes over rows that waited before are built beside others, and again if interrupted."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.migrations.commands import start_migrate
from tests.integration.migrations.interrupting import WITHOUT_TRIGGERS
from tests.support.catalog import catalog, version
from tests.support.producing import (
    A_MOMENT,
    enqueue,
    storyboard,
)
from tests.support.revisions import NEWEST, later_than
from tests.support.waiting_rows import BEFORE
from tests.support.watching import asking_for_the_lock, count, until

INDEXES = ("storyboards_claim_idx", "storyboards_tried_idx", "storyboards_lost_idx")
WAITS_FOR_WRITERS = (
    "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() "
    "AND phase = 'waiting for writers before build'"
)
END_BUILDING = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_progress_create_index "
    "WHERE datname = current_database()"
)
# Short, and enough for any one exchange on a busy machine.
HASTY_SECONDS = 2.0
HELD_FOR_LONG = f"""
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE datname = current_database() AND locktype = 'advisory' AND granted
AND xact_start < now() - interval '{HASTY_SECONDS + 1} seconds'
"""
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


@pytest.fixture
def migration() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def other(dsn: str) -> Iterator[Database]:
    """The way of another worker, or of another deployment, to the database."""
    database = Database(dsn)
    yield database
    database.close()


def uncommitted(dsn: str) -> psycopg.Connection[Any]:
    """A transaction that has written a row and not committed it. A new index waits for it."""
    holder = psycopg.connect(dsn)
    enqueue(holder)
    return holder


def rebuild(connection: psycopg.Connection[Any], index: str) -> None:
    """Build the index in its old form, so that the migration has to build it anew."""
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
        assert [
            claim.id for claim in StoryboardQueue(other, worker_id="w", lease_seconds=60).claim(5)
        ] == [id_]
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
    hasty = Database(dsn, timeout_seconds=HASTY_SECONDS)
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
