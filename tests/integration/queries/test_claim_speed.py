"""A claim takes only a few times as long as any exchange with the server.

On Debian's Postgres 15 it takes some 6 to 10 times as long, and took 690 times as long when the
server compiled each claim::

    python -m tests.debian_postgres -- python -m pytest -s tests/integration/queries -k speed
"""

import time
from collections.abc import Callable, Iterator
from statistics import median

import psycopg
import pytest
from psycopg import conninfo
from psycopg.rows import scalar_row
from sqlalchemy import literal_column, select

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import fixed
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.queries.claims import StoryboardQueue

ROUNDS = 25
ROWS_OF_A_CLAIM = 16
MAX_RATIO = 80

BACKLOG = """
INSERT INTO storyboards (source_url)
SELECT 'https://images.example/' || n FROM generate_series(1, %s) AS n
"""
NOTHING = Call(fixed(select(literal_column("1"))), {}, scalar_row)


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    """A database that does not wait for the disk, which would slow any change equally."""
    database = Database(conninfo.make_conninfo(dsn, options="-c synchronous_commit=off"))
    yield database
    database.close()


def test_a_claim_beside_a_statement_that_does_nothing(
    database: Database, producer: psycopg.Connection, queue: StoryboardQueue
) -> None:
    def claim() -> None:
        assert len(queue.claim(ROWS_OF_A_CLAIM)) == ROWS_OF_A_CLAIM

    producer.execute(BACKLOG, [ROUNDS * ROWS_OF_A_CLAIM])
    # They take turns, so that a busy machine slows both.
    rounds = [(taken(claim), taken(lambda: database.run(NOTHING))) for _ in range(ROUNDS)]
    claims, nothings = map(median, zip(*rounds, strict=True))
    print(f"a claim: {claims * 1000:.2f} ms; nothing: {nothings * 1000:.2f} ms")
    assert claims < MAX_RATIO * nothings


def taken(call: Callable[[], object]) -> float:
    """In seconds."""
    began_at = time.perf_counter()
    call()
    return time.perf_counter() - began_at
