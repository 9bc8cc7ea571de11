"""Bounds are added to a table that is full, in use, and holds values that they forbid."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from tests.support.producing import FAILED, PROCESSING, READY, enqueue
from tests.support.revisions import later_than
from tests.support.stepping import upgrade_to
from tests.support.watching import until, waiting_for_a_lock

EARLIEST, LATEST = "1970-01-01 00:00:00+00", "9998-12-31 23:59:59.999999+00"
BEFORE_CHRIST, LATE = "0044-03-15 12:00+00 BC", "12345-01-01 00:00+00"
MOST = 1_000_000_000

# Values that 0003 accepts, and what they become.
OUTSIDE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"attempts": 2**31 - 1}, {"attempts": MOST, "max_attempts": None}),
    ({"attempts": MOST + 1, "max_attempts": 5}, {"attempts": MOST, "max_attempts": 5}),
    ({"max_attempts": 2**31 - 1}, {"attempts": 0, "max_attempts": 2**31 - 1}),
    ({"available_at": BEFORE_CHRIST}, {"available_at": EARLIEST, "source_expires_at": None}),
    ({"source_expires_at": BEFORE_CHRIST}, {"source_expires_at": EARLIEST, "claimed_at": None}),
    ({"created_at": LATE}, {"created_at": LATEST, "finished_at": None}),
    (
        {**PROCESSING, "claimed_at": "-infinity", "lease_expires_at": "infinity"},
        {"claimed_at": EARLIEST, "lease_expires_at": LATEST},
    ),
    ({**FAILED, "errored_at": LATE}, {"errored_at": LATEST, "claimed_at": None}),
    ({**READY, "attempts": MOST + 1}, {"attempts": MOST, "errored_at": None}),
]


@pytest.fixture
def at_0003(empty: Database, empty_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The producer's connection to a database as it was before."""
    upgrade_to(empty, "0003")
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '2s'")
        yield connection


def holds(connection: psycopg.Connection[Any], id_: object, column: str, value: object) -> bool:
    row = connection.execute(
        f"SELECT {column} IS NOT DISTINCT FROM %s FROM storyboards WHERE id = %s", [value, id_]
    ).fetchone()
    assert row is not None
    return bool(row[0])


def versions_of_rows(connection: psycopg.Connection[Any]) -> dict[Any, Any]:
    found = connection.execute("SELECT id, (ctid, xmin)::text FROM storyboards")
    return dict(found.fetchall())


@pytest.mark.parametrize(("given", "becomes"), OUTSIDE)
def test_what_lies_outside_is_brought_to_the_nearest_bound(
    empty: Database,
    at_0003: psycopg.Connection[Any],
    given: dict[str, Any],
    becomes: dict[str, Any],
) -> None:
    storyboard_id = enqueue(at_0003, **given)
    schema.upgrade(empty)
    for column, value in becomes.items():
        assert holds(at_0003, storyboard_id, column, value), column
    # Its next change would be refused if any other value of it were out of bounds.
    at_0003.execute("UPDATE storyboards SET priority = 1")


def test_the_table_is_not_rewritten(empty: Database, at_0003: psycopg.Connection[Any]) -> None:
    for _ in range(5):
        enqueue(at_0003)
    odd = enqueue(at_0003, attempts=2**31 - 1)
    before = versions_of_rows(at_0003)
    upgrade_to(empty, "0004")
    after = versions_of_rows(at_0003)
    assert {id_ for id_ in before if before[id_] != after[id_]} == {odd}


def test_a_worker_outside_is_no_obstacle(empty: Database, at_0003: psycopg.Connection[Any]) -> None:
    at_0003.execute(
        "INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, "
        "started_at, last_seen_at) VALUES ('w', 'h', 1, '1', 1, '-infinity', 'infinity')"
    )
    schema.upgrade(empty)
    held = at_0003.execute(
        "SELECT started_at = %s, last_seen_at = %s FROM storyboard_workers", [EARLIEST, LATEST]
    )
    assert held.fetchone() == (True, True)


def test_other_sessions_go_on_while_rows_are_corrected(
    empty_dsn: str,
    at_0003: psycopg.Connection[Any],
    migrating: Callable[[], Future[list[str]]],
) -> None:
    odd = enqueue(at_0003, attempts=2**31 - 1)
    with psycopg.connect(empty_dsn) as holder:
        holder.execute("SELECT FROM storyboards WHERE id = %s FOR UPDATE", [odd])
        migration = migrating()
        until(lambda: waiting_for_a_lock(at_0003) == 1)
        other = enqueue(at_0003)
        at_0003.execute("UPDATE storyboards SET priority = 1 WHERE id = %s", [other])
        assert at_0003.execute("SELECT count(*) FROM storyboards").fetchone() == (2,)
        assert waiting_for_a_lock(at_0003) == 1, "the migration still waits"
    assert migration.result(timeout=30) == later_than("0003")
    assert holds(at_0003, odd, "attempts", MOST)


def test_a_row_written_in_between_is_found(
    empty_dsn: str,
    at_0003: psycopg.Connection[Any],
    migrating: Callable[[], Future[list[str]]],
) -> None:
    with psycopg.connect(empty_dsn) as holder:
        # The row is not visible before it is committed, which is after the look at every row.
        waiting = enqueue(holder, attempts=2**31 - 1)
        held = enqueue(holder, **{**PROCESSING, "lease_expires_at": "infinity"})
        migration = migrating()
        until(lambda: waiting_for_a_lock(at_0003) == 1)
    assert migration.result(timeout=30) == later_than("0003")
    assert holds(at_0003, waiting, "attempts", MOST)
    assert holds(at_0003, held, "lease_expires_at", LATEST)
