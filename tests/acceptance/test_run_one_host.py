"""All images lie behind one host and go to one account: broken ones do not hold up the others."""

import time
from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.demo.faults import Answer, SourceFault
from storyboard_worker.demo.origin import Origin
from tests.acceptance.panels import enqueue_panel
from tests.acceptance.running_worker import StartWorker
from tests.acceptance.waiting import eventually

BROKEN = [Answer(503, always=True)]
PATIENCE_SECONDS = 15.0


def enqueue_some(
    producer: psycopg.Connection,
    origin: Origin,
    name: str,
    count: int,
    faults: Sequence[SourceFault] = (),
    priority: int = 0,
) -> list[UUID]:
    with producer.transaction():
        return [
            enqueue_panel(producer, origin, f"{name}-{number}.jpg", faults, priority=priority)
            for number in range(count)
        ]


def ready(producer: psycopg.Connection, ids: list[UUID]) -> int:
    found = producer.execute(
        "SELECT count(*) FROM storyboards WHERE id = ANY(%s) AND status = 'ready'", [ids]
    ).fetchone()
    assert found is not None
    return int(found[0])


def wait_for_ready(producer: psycopg.Connection, ids: list[UUID], seconds: float) -> float:
    began_at = time.monotonic()
    eventually(lambda: ready(producer, ids) == len(ids), timeout_seconds=seconds)
    return time.monotonic() - began_at


@pytest.mark.parametrize("priority", [10, 0, -10], ids=["first", "among", "last"])
def test_broken_objects_do_not_hold_up_good_ones(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, priority: int
) -> None:
    broken = enqueue_some(producer, origin, "broken", 40, BROKEN, priority)
    good = enqueue_some(producer, origin, "good", 60)
    start_worker()
    wait_for_ready(producer, good, PATIENCE_SECONDS)
    assert ready(producer, broken) == 0


def test_a_good_row_that_comes_later_starts_soon(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    start_worker()
    enqueue_some(producer, origin, "broken", 6, BROKEN)
    origin.wait_for_requests(12, timeout_seconds=60)
    good = enqueue_some(producer, origin, "good", 10)
    wait_for_ready(producer, good, 8.0)
