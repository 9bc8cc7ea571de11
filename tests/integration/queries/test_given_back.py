"""A row that was lost in company keeps its attempts.

An end of its own shows that it was not the cause, so the attempts that were lost with workers are
given back before its next attempt. When another row is found to be the cause, all of its company
get them back.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.storyboard import Claim, Group
from tests.integration.queries.working import IMAGE, TIMEOUT, claim_any, claim_new, lapse
from tests.support.producing import enqueue, storyboard

RATE_LIMITED = AttemptError(ErrorCode.SOURCE_RATE_LIMITED, "429")


def claim_after_losses(
    queue: StoryboardQueue,
    upkeep: Upkeep,
    producer: psycopg.Connection,
    losses: int = 1,
    **columns: Any,
) -> Claim:
    """A row over which so many workers were lost, one after the other."""
    enqueue(producer, **columns)
    for _ in range(losses):
        [claim] = claim_any(queue, 1)
        lapse(producer, claim.id)
        assert [row.failed for row in upkeep.rescue()] == [False]
    [claim] = claim_any(queue, 1)
    assert claim.workers_lost == losses
    return claim


def gone_through(producer: psycopg.Connection, claim: Claim) -> tuple[int, int, int]:
    return gone_through_of(producer, claim.id)


@pytest.mark.parametrize("own_error", [False, True])
def test_another_attempt(
    queue: StoryboardQueue, upkeep: Upkeep, producer: psycopg.Connection, *, own_error: bool
) -> None:
    claim = claim_after_losses(queue, upkeep, producer, 2, attempts=2, own_errors=1)
    queue.retry(claim, TIMEOUT, delay_seconds=0, own_error=own_error)
    assert gone_through(producer, claim) == (3, 1 + own_error, 0)
    assert len(queue.claim(1, group=Group.TRIED)) == 1, "it is no longer tried apart"


@pytest.mark.parametrize("ready", [True, False])
def test_where_no_other_attempt_follows_all_that_were_started_are_counted(
    queue: StoryboardQueue, upkeep: Upkeep, producer: psycopg.Connection, *, ready: bool
) -> None:
    """When a worker is killed from outside, no row is the cause."""
    claim = claim_after_losses(queue, upkeep, producer)
    if ready:
        queue.complete(claim, IMAGE)
    else:
        queue.fail(claim, TIMEOUT, sentry_event_id=None)
    assert gone_through(producer, claim) == (2, 1, 1)


def gone_through_of(producer: psycopg.Connection, id_: UUID) -> tuple[int, int, int]:
    row = storyboard(producer, id_)
    return row["attempts"], row["own_errors"], row["workers_lost"]


def take(queue: StoryboardQueue, *ids: UUID) -> list[Claim]:
    claims = [claim for id_ in ids if (claim := queue.claim_one(id_))]
    assert len(claims) == len(ids)
    return claims


def lose(producer: psycopg.Connection, upkeep: Upkeep, claims: list[Claim]) -> None:
    lapse(producer, *(claim.id for claim in claims))
    assert len(upkeep.rescue()) == len(claims)


def test_when_the_cause_is_found_its_company_has_its_attempts_back_whatever_became_of_them(
    queue_of: Callable[[str], StoryboardQueue], upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    first, second, third, fourth, other = map(queue_of, ("a", "b", "c", "d", "other"))
    poison, ready, failed, waiting, later, elsewhere = (enqueue(producer) for _ in range(6))
    lose(producer, upkeep, take(first, poison, ready, failed, waiting))
    lose(producer, upkeep, take(other, elsewhere))
    [done], [ended], [finished] = (take(other, id_) for id_ in (ready, failed, elsewhere))
    other.complete(done, IMAGE)
    other.complete(finished, IMAGE)
    other.fail(ended, TIMEOUT, sentry_event_id=None)
    lose(producer, upkeep, take(second, poison, later))
    lose(producer, upkeep, take(third, poison))
    take(other, later)
    found = (gone_through_of(producer, id_) for id_ in (ready, failed, waiting, later))
    assert list(found) == [(2, 1, 1), (2, 1, 1), (1, 1, 1), (2, 1, 1)], "it is not known yet"

    lose(producer, upkeep, take(fourth, poison))
    assert storyboard(producer, poison)["error_code"] == "worker_lost"
    assert gone_through_of(producer, poison) == (4, 4, 4)
    found = (gone_through_of(producer, id_) for id_ in (ready, failed, waiting, later))
    assert list(found) == [(1, 0, 0), (1, 0, 0), (0, 0, 0), (1, 0, 0)]
    assert gone_through_of(producer, elsewhere) == (2, 1, 1), "of another worker's end"


def test_a_row_that_has_no_attempt_left_the_first_time_was_not_found_to_be_the_cause(
    queue: StoryboardQueue, upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    """It was started afresh after it was lost in that company."""
    company = enqueue(producer)
    lose(producer, upkeep, take(queue, company))
    limited = enqueue(producer, max_attempts=1, lost_with="worker-1")
    lose(producer, upkeep, take(queue, limited))
    assert storyboard(producer, limited)["error_code"] == "worker_lost"
    assert gone_through_of(producer, company) == (1, 1, 1)


def test_an_end_that_says_nothing_of_the_row_does_not_clear_it(
    queue: StoryboardQueue, upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    """The row was not tried: its upstream limits the rate, or its worker stops."""
    claim = claim_after_losses(queue, upkeep, producer)
    queue.release(claim, RATE_LIMITED, delay_seconds=0)
    assert gone_through(producer, claim) == (1, 1, 1)
    [again] = queue.claim(1, group=Group.LOST)
    queue.give_back([again])
    assert gone_through(producer, claim) == (1, 1, 1)


def test_attempts_that_the_row_itself_has_used_stay(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    """A producer has reset the count in the meantime, or has restored it wrongly."""
    claim = claim_new(queue, producer, attempts=1, own_errors=1, workers_lost=3)
    queue.retry(claim, TIMEOUT, delay_seconds=0, own_error=True)
    assert gone_through(producer, claim) == (1, 1, 0)


def test_an_ordinary_row_keeps_its_count(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer, attempts=4, own_errors=2)
    queue.retry(claim, TIMEOUT, delay_seconds=0, own_error=False)
    assert gone_through(producer, claim) == (5, 2, 0)
    [again] = queue.claim(1, group=Group.TRIED)
    queue.complete(again, IMAGE)
    assert gone_through(producer, again) == (6, 2, 0)


def test_no_attempt_is_left_where_its_own_limit_says_so(
    queue: StoryboardQueue, upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer, max_attempts=1)
    lapse(producer, claim.id)
    assert [row.failed for row in upkeep.rescue()] == [True]
