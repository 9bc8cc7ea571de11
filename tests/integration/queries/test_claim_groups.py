"""New rows, rows that have been tried in vain, and rows over which a worker was lost."""

from typing import Any

import psycopg
import pytest

from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Group
from tests.integration.queries.working import TIMEOUT, claim_new
from tests.support.producing import ERROR, enqueue, moment

ROWS: dict[Group, list[dict[str, Any]]] = {
    Group.NEW: [{}, {"error_code": "source_rate_limited", "error_message": "wait"}],
    Group.TRIED: [{"attempts": 1, **ERROR}, {"attempts": 7, "own_errors": 3}],
    Group.LOST: [{"attempts": 1, "workers_lost": 1}, {"workers_lost": 2}],
}


@pytest.mark.parametrize("group", Group)
def test_a_claim_takes_rows_of_one_group(
    queue: StoryboardQueue, producer: psycopg.Connection, group: Group
) -> None:
    ids = {each: {enqueue(producer, **columns) for columns in rows} for each, rows in ROWS.items()}
    claims = queue.claim(50, group=group)
    assert {claim.id for claim in claims} == ids[group]
    assert {claim.is_suspect for claim in claims if not claim.workers_lost} <= {
        group is Group.TRIED
    }


@pytest.mark.parametrize("group", Group)
def test_the_most_urgent_of_each_group_comes_first(
    queue: StoryboardQueue, producer: psycopg.Connection, group: Group
) -> None:
    columns = ROWS[group][-1]
    low = enqueue(producer, **columns, priority=1)
    high = enqueue(producer, **columns, priority=2)
    soon = enqueue(producer, **columns, priority=1, source_expires_at=moment(producer, 600))
    enqueue(producer, **columns, priority=3, available_at=moment(producer, 600))
    enqueue(producer, **columns, priority=3, source_expires_at=moment(producer, -1))
    assert [claim.id for claim in queue.claim(50, group=group)] == [high, soon, low]


def test_a_row_that_is_tried_again_is_a_tried_one(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    queue.retry(claim, TIMEOUT, delay_seconds=0, own_error=True)
    assert queue.claim(1) == []
    [again] = queue.claim(1, group=Group.TRIED)
    assert (again.id, again.attempt, again.own_errors) == (claim.id, 2, 1)


def test_a_row_that_was_released_is_as_new(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    queue.release(claim, TIMEOUT, delay_seconds=0)
    [again] = queue.claim(1)
    assert (again.id, again.attempt, again.is_suspect) == (claim.id, 1, False)


def test_the_claim_says_how_far_the_row_has_come(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    enqueue(producer, attempts=9, own_errors=2, workers_lost=1)
    [claim] = queue.claim(1, group=Group.LOST)
    assert (claim.attempt, claim.own_errors, claim.workers_lost) == (10, 2, 1)
    assert claim.max_attempts is None


@pytest.mark.parametrize(
    ("columns", "seconds"),
    [
        ({"source_set_at": -1000}, 86_400 - 1000),
        ({"source_set_at": -1000, "source_expires_at": 7200}, 7200),
        ({"source_set_at": -90_000}, -3600),
    ],
)
def test_a_link_of_unknown_expiry_is_given_up_a_day_after_it_was_set(
    queue: StoryboardQueue, producer: psycopg.Connection, columns: dict[str, int], seconds: float
) -> None:
    given: dict[str, Any] = {name: moment(producer, offset) for name, offset in columns.items()}
    enqueue(producer, **given)
    [claim] = queue.claim(1)
    assert claim.seconds_until_given_up == pytest.approx(seconds, abs=10)
