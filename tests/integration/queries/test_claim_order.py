"""Priority, then the earliest expiry, then who has waited longest."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.producing import enqueue, moment

# From the most urgent to the least: priority, seconds until expiry, seconds since due.
URGENCY: list[tuple[int, float | None, float]] = [
    (9, None, 0),
    (2, 900, 5),
    (2, None, 50),
    (0, 100, 0),
    (0, 200, 500),
    (0, 200, 400),
    (0, 300, 1000),
    (0, None, 2000),
    (0, None, 3),
    (-1, 50, 5000),
]


@pytest.fixture
def most_urgent_first(producer: psycopg.Connection) -> list[UUID]:
    """Rows of every kind, put in in another order than they are to be taken."""
    now = moment(producer)
    ids: dict[int, UUID] = {}
    for place in (3, 8, 0, 5, 9, 1, 7, 4, 2, 6):
        priority, expiry, waited = URGENCY[place]
        ids[place] = enqueue(
            producer,
            priority=priority,
            available_at=now - timedelta(seconds=waited),
            source_expires_at=None if expiry is None else now + timedelta(seconds=expiry),
        )
    return [ids[place] for place in range(len(URGENCY))]


def test_all_at_once_come_in_order(queue: StoryboardQueue, most_urgent_first: list[UUID]) -> None:
    assert [claim.id for claim in queue.claim(50)] == most_urgent_first


def test_one_after_the_other_come_in_order(
    queue: StoryboardQueue, most_urgent_first: list[UUID]
) -> None:
    assert [queue.claim(1)[0].id for _ in most_urgent_first] == most_urgent_first


def test_a_limit_takes_the_most_urgent(
    queue: StoryboardQueue, most_urgent_first: list[UUID]
) -> None:
    assert [claim.id for claim in queue.claim(4)] == most_urgent_first[:4]
    assert [claim.id for claim in queue.claim(3)] == most_urgent_first[4:7]
