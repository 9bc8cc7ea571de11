"""A table of many rows is migrated while rows are added and processed."""

from typing import Any

import psycopg

from storyboard_worker.database import Database, schema
from tests.support.older_claim import CLAIM, claim, like_an_older_worker
from tests.support.producing import enqueue
from tests.support.revisions import later_than
from tests.support.stepping import downgrade_to, upgrade_to
from tests.support.traffic import traffic
from tests.support.waiting_rows import RELEASED, load_waiting
from tests.support.watching import count

ROWS = 50_000
MOST_WAIT_MS = 200

OLD_INDEXES = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'storyboards%_old_idx'"
BEHIND = """
SELECT count(*) FROM storyboards WHERE status = 'pending' AND effective_expires_at IS DISTINCT FROM
    coalesce(source_expires_at, coalesce(source_set_at, created_at) + interval '24 hours')
"""


def test_nothing_waits_for_a_lock_for_long(empty: Database, empty_dsn: str) -> None:
    upgrade_to(empty, RELEASED)
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        load_waiting(empty_dsn, ROWS)
        with traffic(empty_dsn, most_wait_ms=MOST_WAIT_MS) as found:
            assert schema.upgrade(empty) == later_than(RELEASED)
        assert found.lock_waits == []
        assert min(map(len, (found.insert_seconds, found.change_seconds, found.claim_seconds))) > 20
        assert count(connection, BEHIND) == 0


def test_a_worker_of_the_released_version_goes_on(
    empty: Database, released: psycopg.Connection[Any]
) -> None:
    like_an_older_worker(released)
    ids = [enqueue(released) for _ in range(3)]
    schema.upgrade(empty)
    plan = "\n".join(row[0] for row in released.execute(f"EXPLAIN {CLAIM}"))
    assert "Index Scan using storyboards_claim_old_idx" in plan
    assert "Sort" not in plan
    assert claim(released) == ids
    downgrade_to(empty, RELEASED)
    assert count(released, OLD_INDEXES) == 0


def test_without_such_a_worker_nothing_is_left_for_it(
    empty: Database, released: psycopg.Connection[Any]
) -> None:
    schema.upgrade(empty)
    assert count(released, OLD_INDEXES) == 0
