"""Values that workers hand over (an image, an error), and the lapse of a lease."""

from typing import Any
from uuid import UUID

import psycopg

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.put_off import Recall
from storyboard_worker.storyboard import Claim, Group, StoredImage
from tests.support.producing import enqueue

IMAGE = StoredImage(
    cdn_url="https://res.cloudinary.com/demo/image/upload/v1/storyboards/a.jpg",
    public_id="storyboards/a",
    asset_id="b5e6d2b39ba3e0869d67141ba7dba6cf",
    format="jpg",
    width=2048,
    height=1152,
    bytes=5_000_000_000,
    etag="d41d8cd98f00b204e9800998ecf8427e",
)
TIMEOUT = AttemptError(ErrorCode.SOURCE_TIMEOUT, "no byte within 30 s", upstream="images.example")
EVENT_ID = "0123456789abcdef0123456789abcdef"


def claim_new(queue: StoryboardQueue, producer: psycopg.Connection, **columns: Any) -> Claim:
    """A new row, claimed for the worker."""
    claim = queue.claim_one(enqueue(producer, **columns))
    assert claim is not None
    return claim


def claim_any(queue: StoryboardQueue, limit: int) -> list[Claim]:
    """Rows of any group, new ones first."""
    claims: list[Claim] = []
    for group in Group:
        claims += queue.claim(limit - len(claims), group=group)
    return claims


def lapse(producer: psycopg.Connection, *storyboard_ids: UUID) -> None:
    """The lease has run out, because its worker sent no heartbeat in time."""
    changed = producer.execute(
        "UPDATE storyboards SET lease_expires_at = now() - interval '1 second' "
        "WHERE id = ANY(%s) AND status = 'processing'",
        [list(storyboard_ids)],
    )
    assert changed.rowcount == len(storyboard_ids)


def seconds_from_now(producer: psycopg.Connection, storyboard_id: UUID, column: str) -> float:
    """How far ahead a moment of the row lies, by the database's clock."""
    row = producer.execute(
        f"SELECT extract(epoch FROM {column} - now())::float FROM storyboards WHERE id = %s",
        [storyboard_id],
    ).fetchone()
    assert row is not None
    return float(row[0])


def recall_all(queue: StoryboardQueue, upstream: str, seconds: float) -> int:
    """Recall batch by batch; how many rows came back."""
    recall = Recall(upstream, seconds)
    while not recall.is_over:
        recall = queue.recall(recall)
    return recall.count
