"""Claims that go on from the cursor, because walking there from the front has become slow."""

from uuid import UUID

import psycopg
import pytest

from storyboard_worker.queries.claim_cursor import REMEMBERED, ClaimCursor
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.throttle import SHARE
from storyboard_worker.storyboard import Group
from tests.support.clock import Clock
from tests.support.producing import enqueue, moment


@pytest.fixture
def claim_cursor(queue: StoryboardQueue, clock: Clock) -> ClaimCursor:
    """The queue's cursor, with a clock that stands still."""
    claim_cursor = ClaimCursor(clock)
    queue._claiming._claim_cursors[Group.NEW] = claim_cursor
    return claim_cursor


def slow_down(claim_cursor: ClaimCursor) -> None:
    """The next full pass comes at the time that the clock shows then."""
    nowhere = ("", "", "", "")
    claim_cursor.passed("simulated", nowhere, claim_cursor._reached, 0.0)
    for _ in range(REMEMBERED):
        claim_cursor.passed("simulated", None, claim_cursor._reached, 10.0)


def bulk(producer: psycopg.Connection, count: int) -> set[UUID]:
    """Rows of one statement, with the same urgency in every respect."""
    found = producer.execute(
        "INSERT INTO storyboards (source_url) SELECT 'https://images.example/' || n"
        " FROM generate_series(1, %s) AS n RETURNING id",
        [count],
    )
    return {storyboard_id for (storyboard_id,) in found}


def test_rows_alike_are_each_taken_once(
    queue: StoryboardQueue, claim_cursor: ClaimCursor, producer: psycopg.Connection
) -> None:
    expected = bulk(producer, 50)
    taken = [claim.id for claim in queue.claim(3)]
    slow_down(claim_cursor)
    taken += [claim.id for _ in range(16) for claim in queue.claim(3)]
    assert len(taken) == 50
    assert set(taken) == expected
    assert queue.claim(3) == []


def test_a_more_urgent_row_waits_for_the_full_pass(
    queue: StoryboardQueue, claim_cursor: ClaimCursor, producer: psycopg.Connection, clock: Clock
) -> None:
    bulk(producer, 10)
    queue.claim(1)
    slow_down(claim_cursor)
    urgent = enqueue(producer, priority=5)
    assert [claim.id for claim in queue.claim(1)] != [urgent]
    assert queue.seconds_until_full_pass == pytest.approx(10.0 * SHARE)
    clock.now += 10.0 * SHARE
    assert [claim.id for claim in queue.claim(1)] == [urgent]
    assert queue.seconds_until_full_pass is None


def test_with_nothing_onward_it_begins_again(
    queue: StoryboardQueue, claim_cursor: ClaimCursor, producer: psycopg.Connection
) -> None:
    bulk(producer, 1)
    queue.claim(1)
    slow_down(claim_cursor)
    for urgency in ({"priority": 5}, {"source_expires_at": moment(producer, 3600)}, {}):
        storyboard_id = enqueue(producer, **urgency)
        assert [claim.id for claim in queue.claim(1)] == [storyboard_id]


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("date_style", ["ISO", "SQL, DMY", "German"])
def test_the_place_is_kept_exactly_whatever_the_server_prints(
    queue: StoryboardQueue,
    claim_cursor: ClaimCursor,
    producer: psycopg.Connection,
    date_style: str,
    time_zone: str,
) -> None:
    database = producer.info.dbname
    producer.execute(f'ALTER DATABASE "{database}" SET datestyle = {date_style}')
    producer.execute(f'ALTER DATABASE "{database}" SET timezone = "{time_zone}"')
    try:
        expires_at = moment(producer, 7200)
        ids = {enqueue(producer, source_expires_at=expires_at) for _ in range(6)}
        taken = [claim.id for claim in queue.claim(1)]
        slow_down(claim_cursor)
        for _ in range(5):
            taken += [claim.id for claim in queue.claim(1)]
            assert queue.seconds_until_full_pass is not None, "it did not go on from there"
    finally:
        producer.execute(f'ALTER DATABASE "{database}" RESET ALL')
    assert set(taken) == ids
    assert len(taken) == 6
