"""pending → processing for one row that a person names."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from storyboard_worker.queries.claims import StoryboardQueue
from tests.support.producing import (
    FAILED,
    PROCESSING,
    READY,
    enqueue,
    moment,
    storyboard,
)


def test_it_takes_that_row_alone(queue: StoryboardQueue, producer: psycopg.Connection) -> None:
    more_urgent = enqueue(producer, priority=9)
    wanted = enqueue(producer)
    claim = queue.claim_one(wanted)
    assert claim is not None
    assert claim.id == wanted
    row = storyboard(producer, wanted)
    assert (row["status"], row["attempts"], row["claim_token"], row["claimed_by"]) == (
        "processing",
        1,
        claim.token,
        "worker-1",
    )
    assert storyboard(producer, more_urgent)["status"] == "pending"


@pytest.mark.parametrize("column", ["available_at", "source_expires_at"])
@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_due_or_not_expired_or_not(
    queue: StoryboardQueue, producer: psycopg.Connection, column: str, seconds: float
) -> None:
    moved: dict[str, Any] = {column: moment(producer, seconds)}
    storyboard_id = enqueue(producer, **moved)
    claim = queue.claim_one(storyboard_id)
    assert claim is not None
    assert claim.id == storyboard_id


def test_it_knows_that_the_link_is_dead(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = queue.claim_one(enqueue(producer, source_expires_at=moment(producer, -100)))
    assert claim is not None
    assert claim.seconds_until_expiry == pytest.approx(-100, abs=10)


@pytest.mark.parametrize("state", [PROCESSING, READY, FAILED])
def test_only_pending_rows(
    queue: StoryboardQueue, producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **state)
    before = storyboard(producer, storyboard_id)
    assert queue.claim_one(storyboard_id) is None
    assert storyboard(producer, storyboard_id) == before


def test_an_unknown_id(queue: StoryboardQueue, producer: psycopg.Connection) -> None:
    enqueue(producer)
    assert queue.claim_one(uuid4()) is None
