"""A claim that was lost in any way changes nothing, whatever its end."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from storyboard_worker.errors import LeaseLost
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.storyboard import Claim
from tests.integration.queries.working import EVENT_ID, IMAGE, TIMEOUT, claim_new, lapse
from tests.support.producing import OTHER_URL, URL, change, delete, storyboard

Losing = Callable[[Claim, psycopg.Connection, StoryboardQueue, Upkeep], Any]


def regenerated(
    claim: Claim, producer: psycopg.Connection, other: StoryboardQueue, upkeep: Upkeep
) -> None:
    change(producer, claim.id, source_url=OTHER_URL)


def regenerated_and_taken_again(
    claim: Claim, producer: psycopg.Connection, other: StoryboardQueue, upkeep: Upkeep
) -> None:
    change(producer, claim.id, source_url=OTHER_URL)
    assert other.claim_one(claim.id)


def taken_away_by_a_producers_retry(
    claim: Claim, producer: psycopg.Connection, other: StoryboardQueue, upkeep: Upkeep
) -> None:
    change(producer, claim.id, status="pending")
    assert other.claim_one(claim.id)


def rescued(
    claim: Claim, producer: psycopg.Connection, other: StoryboardQueue, upkeep: Upkeep
) -> None:
    lapse(producer, claim.id)
    assert upkeep.rescue()


def rescued_and_taken_again(
    claim: Claim, producer: psycopg.Connection, other: StoryboardQueue, upkeep: Upkeep
) -> None:
    rescued(claim, producer, other, upkeep)
    assert other.claim_one(claim.id)


def rescued_and_made_ready_by_another(
    claim: Claim, producer: psycopg.Connection, other: StoryboardQueue, upkeep: Upkeep
) -> None:
    rescued(claim, producer, other, upkeep)
    again = other.claim_one(claim.id)
    assert again is not None
    other.complete(again, IMAGE)


def lost_with_its_last_attempt(
    claim: Claim, producer: psycopg.Connection, other: StoryboardQueue, upkeep: Upkeep
) -> None:
    change(producer, claim.id, max_attempts=1)
    rescued(claim, producer, other, upkeep)


def finished_by_itself_before(
    claim: Claim, producer: psycopg.Connection, other: StoryboardQueue, upkeep: Upkeep
) -> None:
    other.complete(claim, IMAGE)


LOSSES: list[Losing] = [
    regenerated,
    regenerated_and_taken_again,
    taken_away_by_a_producers_retry,
    rescued,
    rescued_and_taken_again,
    rescued_and_made_ready_by_another,
    lost_with_its_last_attempt,
    finished_by_itself_before,
]
ENDS: dict[str, Callable[[StoryboardQueue, Claim], None]] = {
    "complete": lambda queue, claim: queue.complete(claim, IMAGE),
    "retry": lambda queue, claim: queue.retry(claim, TIMEOUT, delay_seconds=1),
    "fail": lambda queue, claim: queue.fail(claim, TIMEOUT, sentry_event_id=EVENT_ID),
    "release": lambda queue, claim: queue.release(claim, TIMEOUT, delay_seconds=1),
}
EACH_LOSS = pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
EACH_END = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


@EACH_LOSS
@EACH_END
def test_no_end_changes_the_row(
    queue: StoryboardQueue,
    other_queue: StoryboardQueue,
    upkeep: Upkeep,
    producer: psycopg.Connection,
    lose: Losing,
    end: Callable[[StoryboardQueue, Claim], None],
) -> None:
    claim = claim_new(queue, producer, source_url=URL)
    lose(claim, producer, other_queue, upkeep)
    before = storyboard(producer, claim.id)
    with pytest.raises(LeaseLost):
        end(queue, claim)
    assert storyboard(producer, claim.id) == before


@EACH_END
def test_a_deleted_row_stays_away(
    queue: StoryboardQueue,
    producer: psycopg.Connection,
    end: Callable[[StoryboardQueue, Claim], None],
) -> None:
    claim = claim_new(queue, producer)
    delete(producer, claim.id)
    with pytest.raises(LeaseLost):
        end(queue, claim)
    assert producer.execute("SELECT count(*) FROM storyboards").fetchone() == (0,)


@EACH_LOSS
def test_renewing_and_giving_back_change_nothing_either(
    queue: StoryboardQueue,
    other_queue: StoryboardQueue,
    upkeep: Upkeep,
    producer: psycopg.Connection,
    lose: Losing,
) -> None:
    claim = claim_new(queue, producer, source_url=URL)
    lose(claim, producer, other_queue, upkeep)
    before = storyboard(producer, claim.id)
    assert queue.renew([claim]) == [claim]
    assert queue.give_back([claim]).count == 0
    assert storyboard(producer, claim.id) == before


@EACH_END
def test_a_lapsed_lease_that_was_not_rescued_is_still_valid(
    queue: StoryboardQueue,
    producer: psycopg.Connection,
    end: Callable[[StoryboardQueue, Claim], None],
) -> None:
    claim = claim_new(queue, producer)
    lapse(producer, claim.id)
    end(queue, claim)
    assert storyboard(producer, claim.id)["status"] != "processing"
