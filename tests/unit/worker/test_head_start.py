"""When a claim is made ready, sent, and given back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import DatabaseUnavailable, Resource, ResourceExhausted
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim
from storyboard_worker.worker.head_start import HeadStart
from storyboard_worker.worker.slots import Slots
from tests.support.attempts import new_claim, source_error
from tests.support.waiting import eventually


@dataclass
class Queue:
    """Notes what is asked of it. ``fails``: the database is away."""

    fails: bool = False
    did: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    claim_is_under_way: bool = False

    def make_claim_ready(self, limit: int) -> None:
        self.did.append(f"ready for {limit}")
        if self.fails:
            raise DatabaseUnavailable("away")

    def send_claim(self) -> None:
        self.did.append("sent")

    def drop_ready_claim(self) -> None:
        self.did.append("dropped")

    def claim(self, limit: int) -> list[Claim]:
        self.claim_is_under_way = False
        return self.claims[:limit]


@dataclass
class FreeSlots:
    free: int = 16
    busy: int = 0
    count: int = 16
    free_for_suspects: int = 4


class World:
    """A head start, and what it looks at."""

    def __init__(self) -> None:
        self.queue = Queue()
        self.slots = FreeSlots()
        self.breakers = Breakers()
        self.restraint = Restraint(16)
        parts: Any = (self.queue, self.slots, self.breakers, self.restraint)
        self.head_start = HeadStart(*parts)


@pytest.fixture
def world() -> World:
    return World()


def make_busy(world: World) -> None:
    world.slots.busy = 1


def shut_an_upstream(world: World) -> None:
    claim = new_claim()
    for _ in range(5):
        world.breakers.failed(new_claim(), source_error(upstream=claim.host))


def lack_descriptors(world: World) -> None:
    world.restraint.met(ResourceExhausted(Resource.DESCRIPTORS, "too many open files"))


DIFFICULTIES = pytest.mark.parametrize(
    "become_difficult", [make_busy, shut_an_upstream, lack_descriptors]
)


def test_rows_that_were_tried_keep_their_share(world: World) -> None:
    world.head_start.prepare()
    assert world.queue.did == ["ready for 12"]


def test_a_single_slot_may_be_for_a_row_that_was_tried(world: World) -> None:
    world.slots = FreeSlots(free=1, count=1, free_for_suspects=1)
    HeadStart(*cast("Any", (world.queue, world.slots, world.breakers, world.restraint))).prepare()
    assert world.queue.did == []


@DIFFICULTIES
def test_nothing_is_made_ready_where_rows_may_not_start(
    world: World, become_difficult: Any
) -> None:
    become_difficult(world)
    world.head_start.prepare()
    assert world.queue.did == []


def test_a_database_that_is_away_is_left_to_the_next_claim(world: World) -> None:
    world.queue.fails = True
    world.head_start.prepare()
    assert world.queue.did == ["ready for 12"]


def test_a_row_that_arrives_is_claimed_at_once(world: World) -> None:
    world.head_start.begin(row_arrived=True)
    assert world.queue.did == ["sent"]


def test_whatever_else_ends_the_wait_needs_no_claim(world: World) -> None:
    world.head_start.begin(row_arrived=False)
    assert world.queue.did == ["dropped"]


@DIFFICULTIES
def test_what_has_become_difficult_is_left_to_the_usual_claim(
    world: World, become_difficult: Any
) -> None:
    world.head_start.prepare()
    become_difficult(world)
    world.head_start.begin(row_arrived=True)
    assert world.queue.did == ["ready for 12", "dropped"]


@pytest.fixture
def slots(world: World) -> Iterator[Slots]:
    """Real ones, in which no row may begin."""
    slots = Slots(
        cast("Any", None),
        count=4,
        attempt_timeout_seconds=60,
        on_worked=lambda _: pytest.fail("a row has begun"),
        may_begin=lambda: False,
    )
    world.head_start = HeadStart(
        *cast("Any", (world.queue, slots, world.breakers, world.restraint))
    )
    yield slots
    slots.close()


def test_rows_that_no_claim_asked_for_are_held_back_like_others_claimed_ahead(
    world: World, slots: Slots
) -> None:
    world.queue.claims = [new_claim(), new_claim()]
    world.queue.claim_is_under_way = True
    assert world.head_start.is_under_way
    world.head_start.end()
    assert slots.under_way == world.queue.claims
    eventually(lambda: len(slots.held_back()) == 2)
    slots.drop(slots.held_back())
    assert slots.free == slots.count


def test_what_was_asked_for_is_not_started_again(world: World, slots: Slots) -> None:
    world.queue.claims = [new_claim()]
    world.head_start.end()
    assert slots.under_way == []
    assert slots.free == slots.count
