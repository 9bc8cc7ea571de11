"""Many workers claim at the same time."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Claim
from tests.support.producing import change, enqueue, storyboard

ROWS = 500
WORKERS = 16
LIMIT = 7


def test_each_row_is_taken_exactly_once(dsn: str, producer: psycopg.Connection) -> None:
    producer.execute(
        "INSERT INTO storyboards (source_url) "
        "SELECT 'https://images.example/' || n FROM generate_series(1, %s) AS n",
        [ROWS],
    )
    database = Database(dsn, max_connections=WORKERS)
    together = threading.Barrier(WORKERS)

    def work(number: int) -> list[list[Claim]]:
        queue = StoryboardQueue(database, worker_id=f"worker-{number}", lease_seconds=60)
        together.wait(timeout=30)
        taken = []
        while claims := queue.claim(LIMIT):
            taken.append(claims)
        return taken

    with ThreadPoolExecutor(WORKERS) as threads:
        batches = [batch for taken in threads.map(work, range(WORKERS)) for batch in taken]
    database.close()
    assert max(map(len, batches)) == LIMIT
    times_taken = Counter(claim.id for batch in batches for claim in batch)
    # A worker that meets only locked rows stops early. Other workers hold the rows it passed over.
    assert len(times_taken) == ROWS
    assert set(times_taken.values()) == {1}
    row = producer.execute(
        "SELECT count(DISTINCT claim_token), min(attempts), max(attempts), min(status) "
        "FROM storyboards"
    ).fetchone()
    assert row == (ROWS, 1, 1, "processing")


def test_a_row_that_a_producer_has_locked_is_passed_over(
    dsn: str, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    held, free = enqueue(producer, priority=9), enqueue(producer)
    with psycopg.connect(dsn) as slow:
        change(slow, held, project_id="p")
        assert [claim.id for claim in queue.claim(5)] == [free]
        assert queue.claim_one(held) is None
        slow.commit()
    assert [claim.id for claim in queue.claim(5)] == [held]


def test_a_row_that_another_worker_is_claiming_is_passed_over(
    database: Database, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    held, free = enqueue(producer, priority=9), enqueue(producer)
    with database.transaction() as claiming:
        claiming.exec_driver_sql("SELECT FROM storyboards WHERE priority = 9 FOR UPDATE")
        assert [claim.id for claim in queue.claim(1)] == [free]
    assert storyboard(producer, held)["status"] == "pending"
