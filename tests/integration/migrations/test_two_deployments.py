"""Two deployments migrate at the same time."""

import re

import psycopg

from storyboard_worker.database import Database, schema
from tests.integration.migrations.commands import start_migrate
from tests.support.catalog import catalog, version
from tests.support.revisions import NEWEST, REVISIONS
from tests.support.watching import asking_for_the_lock, until


def advisory_lock_key() -> int:
    found = re.search(r"pg_advisory_xact_lock\((\d+)\)", schema.upgrade_sql())
    assert found is not None
    return int(found[1])


def test_they_wait_for_each_other_and_both_end_well(empty_dsn: str, dsn: str) -> None:
    with psycopg.connect(empty_dsn) as gate:
        gate.execute("SELECT pg_advisory_xact_lock(%s)", [advisory_lock_key()])
        with start_migrate(dsn=empty_dsn) as one, start_migrate(dsn=empty_dsn) as other:
            with psycopg.connect(empty_dsn, autocommit=True) as observer:
                until(lambda: asking_for_the_lock(observer) == 2)
            gate.rollback()
            ended = [process.communicate(timeout=60) for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0]
    # The first one migrates everything. The other waits for it and finds nothing to do.
    assert sorted(ended) == [
        (f"migrated: {', '.join(REVISIONS)}\n", ""),
        (f"nothing to do: the schema is at {NEWEST}\n", ""),
    ]
    assert catalog(empty_dsn) == catalog(dsn)
    assert version(empty_dsn) == NEWEST


def test_the_lock_is_gone_afterwards(empty: Database, empty_dsn: str) -> None:
    schema.upgrade(empty)
    with psycopg.connect(empty_dsn, autocommit=True) as other:
        row = other.execute(
            "SELECT pg_try_advisory_xact_lock(%s)", [advisory_lock_key()]
        ).fetchone()
    assert row == (True,)
