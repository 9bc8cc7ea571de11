"""Claims made in the transactions of completions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.errors import DatabaseUnavailable, LeaseLost
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Claim
from tests.integration.queries.working import IMAGE, claim_new
from tests.support.producing import OTHER_URL, change, enqueue, storyboard


@dataclass
class Slots:
    """Takes and starts them like the dispatcher."""

    free: int
    started: list[Claim] = field(default_factory=list)
    given_back: int = 0

    def take(self, completions: int) -> int:
        return self.free if completions else 0

    def start(self, claims: list[Claim], taken: int) -> None:
        self.started += claims
        self.given_back += taken - len(claims)


def written_by(producer: psycopg.Connection, storyboard_id: UUID) -> int:
    """The transaction that wrote the row in its present form."""
    row = producer.execute(
        "SELECT xmin::text::bigint FROM storyboards WHERE id = %s", [storyboard_id]
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def slots(queue: StoryboardQueue) -> Slots:
    slots = Slots(free=2)
    queue.refill_along(slots)
    return slots


def test_both_happen_in_one_transaction(
    queue: StoryboardQueue, producer: psycopg.Connection, slots: Slots
) -> None:
    claim = claim_new(queue, producer)
    waiting = [enqueue(producer) for _ in range(3)]
    queue.complete(claim, IMAGE)
    assert [claim.id for claim in slots.started] == waiting[:2]
    assert {storyboard(producer, storyboard_id)["status"] for storyboard_id in waiting[:2]} == {
        "processing"
    }
    assert storyboard(producer, claim.id)["status"] == "ready"
    one = {written_by(producer, storyboard_id) for storyboard_id in (claim.id, *waiting[:2])}
    assert len(one) == 1


def test_slots_for_which_there_is_no_row_are_given_back(
    queue: StoryboardQueue, producer: psycopg.Connection, slots: Slots
) -> None:
    queue.complete(claim_new(queue, producer), IMAGE)
    assert (slots.started, slots.given_back) == ([], 2)


def test_without_a_free_slot_nothing_is_claimed(
    queue: StoryboardQueue, producer: psycopg.Connection, slots: Slots
) -> None:
    slots.free = 0
    claim, waiting = claim_new(queue, producer), enqueue(producer)
    queue.complete(claim, IMAGE)
    assert storyboard(producer, waiting)["status"] == "pending"
    assert (slots.started, slots.given_back) == ([], 0)


def test_a_completion_that_is_lost_does_not_lose_the_claims(
    queue: StoryboardQueue, producer: psycopg.Connection, slots: Slots
) -> None:
    claim = claim_new(queue, producer)
    change(producer, claim.id, source_url=OTHER_URL)
    with pytest.raises(LeaseLost):
        queue.complete(claim, IMAGE)
    assert [claim.id for claim in slots.started] == [claim.id]


def test_slots_are_given_back_when_the_transaction_fails(
    queue: StoryboardQueue,
    producer: psycopg.Connection,
    slots: Slots,
    break_connections: Callable[[], None],
) -> None:
    claim, waiting = claim_new(queue, producer), enqueue(producer)
    break_connections()
    with pytest.raises(DatabaseUnavailable):
        queue.complete(claim, IMAGE)
    assert (slots.started, slots.given_back) == ([], 2)
    assert storyboard(producer, waiting)["status"] == "pending"


@pytest.fixture
def break_connections(producer: psycopg.Connection) -> Callable[[], None]:
    def kill() -> None:
        producer.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'storyboard-worker'"
        )

    return kill
