"""A worker that has nothing to do costs the database next to nothing."""

import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.running_worker import StartWorker

WATCHED_SECONDS = 15.0

# Sessions of other tests would be counted.
pytestmark = pytest.mark.database("own")


@pytest.fixture
def onlooker(server_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection to another database, so that the look itself is not counted."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        yield connection


def transactions(onlooker: psycopg.Connection, database: str) -> int:
    found = onlooker.execute(
        "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s", [database]
    ).fetchone()
    assert found is not None
    count: int = found[0]
    return count


def test_an_idle_worker_with_listen_hardly_asks(
    dsn: str, onlooker: psycopg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker(LEASE_SECONDS="60")
    worker.wait_for_log("listening for new rows")
    database = str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    before = transactions(onlooker, database)
    time.sleep(WATCHED_SECONDS)  # the queries of this time are counted
    # Earlier queries may be counted late, because servers report their counts now and then.
    # It sends some 20 queries to find out how it is connected.
    assert transactions(onlooker, database) - before <= 40
