"""An outcome waits for a database that is away, for any time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.demo.faults import Answer, Hang, SourceFault
from storyboard_worker.demo.pictures import random_image
from tests.support.attempting import Bench, heard_in_the_log
from tests.support.stage import PLENTY_SECONDS

# Its connections are broken.
pytestmark = pytest.mark.database("own")

IMAGE = random_image(5_000, "JPEG", seed=2)
WAITING = "outcome waits for the database"


def break_connections(producer: psycopg.Connection) -> None:
    """Break all connections but the producer's own."""
    producer.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@contextmanager
def away(server_dsn: str, producer: psycopg.Connection) -> Iterator[None]:
    """The database accepts no connections, and has broken the existing ones."""
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    name = sql.Identifier(producer.info.dbname)
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(statement.format(name, sql.SQL("false")))
        try:
            break_connections(producer)
            yield
        finally:
            server.execute(statement.format(name, sql.SQL("true")))


@pytest.mark.parametrize(
    ("faults", "outcome", "status"),
    [
        ([], Outcome.READY, "ready"),
        ([Answer(410)], Outcome.FAILED, "failed"),
        ([Answer(503)], Outcome.RETRIED, "pending"),
        ([Answer(429)], Outcome.RELEASED, "pending"),
    ],
)
def test_every_outcome_is_written_when_the_database_is_back(
    server_dsn: str,
    bench: Bench,
    slot: ThreadPoolExecutor,
    faults: list[SourceFault],
    outcome: Outcome,
    status: str,
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, faults))
    with heard_in_the_log(WAITING) as waiting:
        with away(server_dsn, bench.producer):
            running = slot.submit(bench.run, claim)
            assert waiting.wait(PLENTY_SECONDS)
        assert running.result(PLENTY_SECONDS).outcome is outcome
    assert bench.row(claim)["status"] == status
    # The image was copied once.
    assert len(bench.stage.origin.requests) == 1


def test_connections_that_broke_are_replaced_at_once(
    bench: Bench, slot: ThreadPoolExecutor, release: threading.Event
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Hang(release)]))
    running = slot.submit(bench.run, claim)
    bench.stage.origin.wait_for_requests(1)
    break_connections(bench.producer)
    release.set()
    assert running.result(PLENTY_SECONDS).outcome is Outcome.READY
    assert bench.row(claim)["status"] == "ready"


def test_a_stop_ends_the_waiting(server_dsn: str, bench: Bench, slot: ThreadPoolExecutor) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    with heard_in_the_log(WAITING) as waiting, away(server_dsn, bench.producer):
        running = slot.submit(bench.run, claim)
        assert waiting.wait(PLENTY_SECONDS)
        bench.deadline.cancel()
        assert running.result(PLENTY_SECONDS).outcome is Outcome.CANCELLED
    assert bench.row(claim)["status"] == "processing"
