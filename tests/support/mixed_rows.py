"""Good and broken rows side by side."""

import time
from collections.abc import Sequence
from uuid import UUID

import psycopg

from storyboard_worker.demo.faults import SourceFault
from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel
from tests.support.waiting import eventually


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
