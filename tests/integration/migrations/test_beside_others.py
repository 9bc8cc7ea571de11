"""Each migration since the released version lets other sessions go on, and may be interrupted."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from storyboard_worker.errors import DatabaseUnavailable
from tests.support.catalog import catalog, version
from tests.support.producing import enqueue
from tests.support.revisions import NEWEST, later_than
from tests.support.stepping import upgrade_to
from tests.support.waiting_rows import RELEASED
from tests.support.watching import count, until

SINCE_RELEASED = [RELEASED, *later_than(RELEASED)[:-1]]
GATE = 7
# A session that corrects a row waits at this lock.
GATED = f"""
CREATE FUNCTION at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({GATE});
    RETURN NEW;
END
$body$;
CREATE TRIGGER a_gate BEFORE UPDATE ON storyboards FOR EACH ROW EXECUTE FUNCTION at_the_gate()
"""
AT_THE_GATE = f"""
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE datname = current_database() AND locktype = 'advisory' AND objid = {GATE} AND NOT granted
"""
WANTS_THE_TABLE = """
SELECT count(*) FROM pg_locks WHERE NOT granted
AND relation = 'storyboards'::regclass AND mode = 'AccessExclusiveLock'
"""
WAITS_FOR_A_VACUUM = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted
AND relation = 'storyboards'::regclass AND mode = 'ShareUpdateExclusiveLock'
AND query_start < now() - interval '1 second'
"""
HAS_CHECK = "SELECT count(*) FROM pg_constraint WHERE conname = '{}'"
BUILDS = (
    "SELECT count({}) FROM pg_stat_progress_create_index WHERE datname = current_database() "
    "AND phase = 'waiting for writers before build'"
)
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
REPEAT_FROM = "UPDATE storyboard_worker_version SET version_num = '{}'"

Migrating = Callable[[], Future[list[str]]]


@pytest.mark.parametrize("revision", SINCE_RELEASED)
def test_rows_are_taken_in_while_it_waits_for_the_table(
    empty: Database,
    empty_dsn: str,
    released: psycopg.Connection[Any],
    migrating: Migrating,
    revision: str,
) -> None:
    upgrade_to(empty, revision)
    with psycopg.connect(empty_dsn) as holder:
        enqueue(holder)
        migration = migrating()
        for _ in range(3):
            # The last one builds indexes, and needs no lock on the table.
            until(
                lambda: count(released, WANTS_THE_TABLE) + count(released, BUILDS.format("*")) == 1
            )
            enqueue(released)
        assert not migration.done()
    assert migration.result(timeout=30) == later_than(revision)
    assert count(released, "SELECT count(*) FROM storyboards") == 4


def test_a_vacuum_is_given_the_second_after_which_it_gives_way(
    empty_dsn: str, released: psycopg.Connection[Any], migrating: Migrating
) -> None:
    with psycopg.connect(empty_dsn) as vacuum:
        vacuum.execute("LOCK TABLE storyboards IN SHARE UPDATE EXCLUSIVE MODE")
        migration = migrating()
        until(lambda: count(released, WAITS_FOR_A_VACUUM) == 1)
        enqueue(released)
        assert count(released, WAITS_FOR_A_VACUUM) == 1, "the migration still waits"
    assert migration.result(timeout=30) == later_than(RELEASED)


@pytest.mark.parametrize(
    ("revision", "outside", "check"),
    [
        ("0003", {"attempts": 2**31 - 1}, "storyboards_bounds_check"),
        ("0004", {"project_id": "p" * 5000}, "storyboards_project_id_length_check"),
    ],
)
def test_rows_are_taken_in_while_those_written_in_between_are_corrected(
    empty: Database,
    empty_dsn: str,
    released: psycopg.Connection[Any],
    migrating: Migrating,
    revision: str,
    outside: dict[str, Any],
    check: str,
) -> None:
    upgrade_to(empty, revision)
    released.execute(GATED)
    with psycopg.connect(empty_dsn) as gate:
        gate.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
        with psycopg.connect(empty_dsn) as holder:
            enqueue(holder, **outside)
            migration = migrating()
            until(lambda: count(released, WANTS_THE_TABLE) == 1)
        until(lambda: count(released, AT_THE_GATE) == 1)
        assert count(released, HAS_CHECK.format(check)) == 1
        enqueue(released)
        assert count(released, AT_THE_GATE) == 1, "the migration still waits"
    assert migration.result(timeout=30) == later_than(revision)
    released.execute("UPDATE storyboards SET priority = 1")


def test_all_of_it_may_be_run_again(dsn: str, database: Database) -> None:
    whole = catalog(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(REPEAT_FROM.format(RELEASED).encode())
    assert schema.upgrade(database) == later_than(RELEASED)
    assert (catalog(dsn), version(dsn)) == (whole, NEWEST)


def test_the_index_of_lost_company_is_built_beside_others_and_again_if_half_built(
    empty: Database,
    empty_dsn: str,
    dsn: str,
    released: psycopg.Connection[Any],
    migrating: Migrating,
) -> None:
    upgrade_to(empty, "0007")
    released.execute("DROP INDEX storyboards_lost_with_idx")
    released.execute(REPEAT_FROM.format("0006").encode())
    with psycopg.connect(empty_dsn) as holder:
        enqueue(holder)
        migration = migrating()
        until(lambda: count(released, BUILDS.format("*")) == 1)
        enqueue(released)
        assert count(released, BUILDS.format("pg_terminate_backend(pid)")) == 1
        with pytest.raises(DatabaseUnavailable):
            migration.result(timeout=30)
    assert (version(empty_dsn), count(released, INVALID)) == ("0006", 1)
    assert schema.upgrade(empty) == later_than("0006")
    assert count(released, INVALID) == 0
    assert catalog(empty_dsn) == catalog(dsn)
