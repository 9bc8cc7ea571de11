"""Order: priority, then the earliest expiry, then the longest wait.

A link of unknown expiry is treated as if it died a day after it was set.
"""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.upkeep import Upkeep
from tests.support.producing import enqueue, moment

SET_AN_HOUR_AGO = -3600
DAY_SECONDS = 86_400

# From the most urgent to the least: priority, seconds until expiry, seconds since due.
URGENCY: list[tuple[int, float | None, float]] = [
    (9, None, 0),
    (2, 900, 5),
    (2, None, 50),
    (0, 100, 0),
    (0, 200, 500),
    (0, 200, 400),
    (0, 300, 1000),
    (0, DAY_SECONDS - 3700, 3000),
    (0, None, 2000),
    (0, None, 3),
    (0, DAY_SECONDS - 3500, 4000),
    (-1, 50, 5000),
]


@pytest.fixture
def most_urgent_first(producer: psycopg.Connection) -> list[UUID]:
    """Rows of every kind, inserted in another order than that of their claims."""
    now = moment(producer)
    ids: dict[int, UUID] = {}
    for place in (3, 8, 0, 10, 5, 9, 1, 7, 11, 4, 2, 6):
        priority, expiry, waited = URGENCY[place]
        ids[place] = enqueue(
            producer,
            priority=priority,
            available_at=now - timedelta(seconds=waited),
            source_set_at=now + timedelta(seconds=SET_AN_HOUR_AGO),
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


def test_a_link_that_was_set_earlier_is_expected_to_die_earlier(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    now = moment(producer)
    later, earlier = (
        enqueue(
            producer,
            source_set_at=now - timedelta(hours=hours),
            available_at=now - timedelta(seconds=waited),
        )
        for hours, waited in ((1, 50), (2, 5))
    )
    assert [claim.id for claim in queue.claim(2)] == [earlier, later]


def test_a_link_of_unknown_expiry_never_counts_as_dead(
    queue: StoryboardQueue, database: Database, producer: psycopg.Connection
) -> None:
    old = enqueue(producer, source_set_at=moment(producer, -3 * DAY_SECONDS))
    assert Upkeep(database, max_attempts=8).expire() == []
    assert [claim.id for claim in queue.claim(2)] == [old]
