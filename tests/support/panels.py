"""Images at the source, and rows for them."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from storyboard_worker.demo.faults import SourceFault
from storyboard_worker.demo.origin import Origin
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.storyboard import public_id
from tests.support.producing import enqueue

IMAGE = random_image(20_000, "JPEG", seed=1)


def plant(origin: Origin, name: str, faults: Sequence[SourceFault] = ()) -> str:
    """An image at the source; returns its signed URL."""
    origin.put(name, IMAGE, faults=faults)
    return origin.sign(name)


def enqueue_panel(
    producer: psycopg.Connection,
    origin: Origin,
    name: str = "panel.jpg",
    faults: Sequence[SourceFault] = (),
    **columns: Any,
) -> UUID:
    """A row for a new image at the source."""
    return enqueue(producer, plant(origin, name, faults), **columns)


def enqueue_panels(
    producer: psycopg.Connection,
    origin: Origin,
    count: int,
    faults: Sequence[SourceFault] = (),
    prefix: str = "panel",
) -> list[UUID]:
    """The rows are added in one transaction, so that workers see them at once."""
    with producer.transaction():
        return [
            enqueue_panel(producer, origin, f"{prefix}-{number}.jpg", faults)
            for number in range(count)
        ]


def all_rows(producer: psycopg.Connection) -> list[dict[str, Any]]:
    """Every storyboard under its column names, oldest first."""
    with producer.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM storyboards ORDER BY created_at, id").fetchall()


def rows_held_by(producer: psycopg.Connection, pid: int) -> set[UUID]:
    """The storyboards that the worker with this process id has claimed."""
    found = producer.execute(
        "SELECT s.id FROM storyboards s JOIN storyboard_workers w ON s.claimed_by = w.worker_id "
        "WHERE w.pid = %s",
        [pid],
    )
    return {row[0] for row in found}


def requests_for(origin: Origin, source_url: str) -> int:
    """How often the source was asked for the image."""
    path = urlsplit(source_url).path
    return sum(request.path == path for request in origin.requests)


def published(rows: Iterable[dict[str, Any]]) -> set[str]:
    """The public ids that the contract gives to the images of these rows."""
    return {public_id("storyboards", row["id"], row["source_url"]) for row in rows}
