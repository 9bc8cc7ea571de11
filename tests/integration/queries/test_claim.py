"""pending → processing."""

from typing import Any

import psycopg
import pytest

from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Group
from tests.integration.queries.working import seconds_from_now
from tests.support.producing import (
    ERROR,
    FAILED,
    PROCESSING,
    READY,
    URL,
    WAITING,
    enqueue,
    moment,
    only,
    storyboard,
)


def test_it_sets_every_column_of_the_new_state(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(producer)
    before = storyboard(producer, storyboard_id)
    [claim] = queue.claim(5)
    row = storyboard(producer, storyboard_id)
    changed = {
        "status": "processing",
        "attempts": 1,
        "claim_token": claim.token,
        "claimed_by": "worker-1",
        "claimed_at": row["updated_at"],
        "lease_expires_at": row["lease_expires_at"],
        "updated_at": row["updated_at"],
    }
    assert row == {**before, **changed}
    assert (row["lease_expires_at"] - row["claimed_at"]).total_seconds() == 60
    assert row["claimed_at"] > before["created_at"]


def test_the_claim_says_what_an_attempt_needs(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(
        producer,
        URL,
        max_attempts=4,
        available_at=moment(producer, -100),
        source_expires_at=moment(producer, 1000),
        project_id="p",
        sentry_trace="0123-4567-1",
        baggage="sentry-release=1",
    )
    [claim] = queue.claim(1)
    assert claim.id == storyboard_id
    assert claim.source_url == URL
    assert claim.attempt == 1
    assert claim.max_attempts == 4
    assert claim.seconds_until_expiry == pytest.approx(1000, abs=10)
    assert claim.seconds_since_due == pytest.approx(100, abs=10)
    assert (claim.project_id, claim.sentry_trace, claim.baggage) == (
        "p",
        "0123-4567-1",
        "sentry-release=1",
    )
    assert claim.host == "images.example"


def test_columns_that_are_not_set_are_none(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    enqueue(producer)
    [claim] = queue.claim(1)
    assert claim.max_attempts is None
    assert claim.seconds_until_expiry is None
    assert (claim.project_id, claim.sentry_trace, claim.baggage) == (None, None, None)


def test_each_claim_has_a_token_of_its_own(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    for _ in range(20):
        enqueue(producer)
    assert len({claim.token for claim in queue.claim(20)}) == 20


def test_the_last_error_stays_while_it_is_tried_again(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(producer, **WAITING)
    queue.claim(1, group=Group.TRIED)
    assert only(storyboard(producer, storyboard_id), ERROR) == ERROR


@pytest.mark.parametrize("state", [PROCESSING, READY, FAILED])
def test_rows_of_another_status_are_not_taken(
    queue: StoryboardQueue, producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **state)
    before = storyboard(producer, storyboard_id)
    assert queue.claim(5) == []
    assert storyboard(producer, storyboard_id) == before


def test_a_row_is_not_taken_before_its_moment(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    enqueue(producer, available_at=moment(producer, 3600))
    due = enqueue(producer, available_at=moment(producer, -1))
    assert [claim.id for claim in queue.claim(5)] == [due]


def test_a_row_is_not_taken_after_its_expiry(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    enqueue(producer, source_expires_at=moment(producer, -0.001))
    alive = enqueue(producer, source_expires_at=moment(producer, 3600))
    assert [claim.id for claim in queue.claim(5)] == [alive]


@pytest.mark.parametrize(("limit", "taken"), [(0, 0), (1, 1), (7, 7), (20, 20), (50, 20)])
def test_the_limit(
    queue: StoryboardQueue, producer: psycopg.Connection, limit: int, taken: int
) -> None:
    for _ in range(20):
        enqueue(producer)
    assert len(queue.claim(limit)) == taken
    row = producer.execute(
        "SELECT count(*) FROM storyboards WHERE status = 'processing'"
    ).fetchone()
    assert row == (taken,)


def test_a_second_claim_takes_other_rows(
    queue: StoryboardQueue, other_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    for _ in range(4):
        enqueue(producer)
    first, second = queue.claim(3), other_queue.claim(3)
    assert len(first) == 3
    assert len(second) == 1
    assert second[0].id not in {claim.id for claim in first}
    row = storyboard(producer, second[0].id)
    assert row["claimed_by"] == "worker-2"
    assert seconds_from_now(producer, second[0].id, "lease_expires_at") > 50
