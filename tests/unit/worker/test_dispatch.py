"""When rows are claimed along with ends of claims, and when that is left to the claim loop."""

from collections.abc import Callable
from typing import Any

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended, Outcome
from storyboard_worker.errors import (
    STORAGE_UPSTREAM,
    DatabaseUnavailable,
    ErrorCode,
    Resource,
    ResourceExhausted,
)
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim, Group
from storyboard_worker.timings import Timings
from storyboard_worker.worker.dispatch import SUSPECTS_EVERY_SECONDS, Dispatcher
from storyboard_worker.worker.slots import Slots
from tests.support.attempts import new_claim, source_error, storage_error
from tests.support.backlog import Backlog, slots_that_stay_taken
from tests.support.clock import Clock

SLOTS = 4
MakeDispatcher = Callable[..., Dispatcher]


@pytest.fixture
def slots() -> Slots:
    return slots_that_stay_taken(SLOTS)


@pytest.fixture
def filled(slots: Slots, breakers: Breakers, clock: Clock) -> MakeDispatcher:
    def make(due: int, limit: int | None = None) -> Dispatcher:
        backlog: Any = Backlog(due)
        made = Dispatcher(backlog, slots, breakers, Restraint(SLOTS), limit=limit, clock=clock)
        made.fill()
        return made

    return make


def test_slots_that_become_free_get_as_many_rows(filled: MakeDispatcher) -> None:
    assert filled(100).take(3) == 3


def test_no_slot_is_taken_twice(filled: MakeDispatcher, slots: Slots) -> None:
    dispatcher = filled(100)
    assert dispatcher.take(2) == 2
    assert dispatcher.take(1) == 0
    assert slots.free == 0
    dispatcher.start([], 2)
    assert slots.take(ahead=2) == 2


def settle(dispatcher: Dispatcher, slots: Slots, clock: Clock, seconds: float, ends: int) -> None:
    """So many attempts end, and rows are claimed along, in an exchange that takes so long."""
    ended = slots.under_way[:ends]
    taken = dispatcher.take(ends)
    clock.now += seconds
    dispatcher.start([new_claim() for _ in range(taken)], taken)
    for claim in ended:
        slots.end(Ended(claim, Outcome.READY, 0.001, Timings()))


@pytest.mark.parametrize(
    ("work_seconds", "exchange_seconds", "ends", "claimed"),
    [
        (0.01, 0.005, 3, 6),
        # They would wait for longer than another worker might need to take them.
        (0.03, 0.005, 3, 3),
        (0.2, 0.9, 3, 3),
    ],
    ids=["quick", "slow", "slow database"],
)
def test_rows_are_claimed_ahead_for_slots_that_would_wait_for_the_database(
    filled: MakeDispatcher,
    slots: Slots,
    clock: Clock,
    work_seconds: float,
    exchange_seconds: float,
    ends: int,
    claimed: int,
) -> None:
    dispatcher = filled(100)
    settle(dispatcher, slots, clock, exchange_seconds, ends=1)
    slots._work_seconds = work_seconds
    assert dispatcher.take(ends) == claimed


def test_rows_ahead_are_no_more_than_attempts_that_end_in_an_exchange(
    filled: MakeDispatcher, slots: Slots, clock: Clock
) -> None:
    dispatcher = filled(1000)
    slots._work_seconds = 0.001
    for _ in range(20):
        settle(dispatcher, slots, clock, 0.005, ends=2)
    assert len(slots.under_way) == SLOTS + 2


def test_rows_ahead_are_never_more_than_the_slots(
    filled: MakeDispatcher, slots: Slots, clock: Clock
) -> None:
    """Also where all that is under way ends before each exchange."""
    dispatcher = filled(1000)
    slots._work_seconds = 0.001
    for _ in range(20):
        settle(dispatcher, slots, clock, 0.005, ends=len(slots.under_way))
        assert len(slots.under_way) <= 2 * SLOTS
        assert slots.busy == SLOTS


def test_rows_claimed_ahead_begin_while_nothing_has_come_in_between(
    filled: MakeDispatcher, breakers: Breakers
) -> None:
    dispatcher = filled(100)
    assert dispatcher.starts_freely
    breakers.failed(new_claim(), source_error(ErrorCode.SOURCE_RATE_LIMITED))
    assert not dispatcher.starts_freely
    stopping = filled(100)
    stopping.close()
    assert not stopping.starts_freely


def test_nothing_is_claimed_along_when_no_row_was_left(filled: MakeDispatcher) -> None:
    assert filled(3).take(3) == 0


def test_nor_after_fewer_came_than_were_wanted(filled: MakeDispatcher, slots: Slots) -> None:
    dispatcher = filled(100)
    dispatcher.start([new_claim()], dispatcher.take(3))
    assert len(slots.under_way) == 5
    assert dispatcher.take(3) == 0


def test_nothing_is_claimed_along_while_the_worker_stops(filled: MakeDispatcher) -> None:
    dispatcher = filled(100)
    dispatcher.close()
    assert dispatcher.take(3) == 0


def test_a_limit_is_minded_by_the_claim_loop(filled: MakeDispatcher) -> None:
    assert filled(100, limit=50).take(3) == 0


def test_now_and_then_the_claim_loop_looks_for_rows_that_have_failed(
    filled: MakeDispatcher, clock: Clock
) -> None:
    """Else they would wait until the last new row is done."""
    dispatcher = filled(100)
    clock.now += SUSPECTS_EVERY_SECONDS
    assert dispatcher.take(1) == 1
    dispatcher.start([new_claim()], 1)
    clock.now += 0.1
    assert dispatcher.take(1) == 0


@pytest.mark.parametrize("upstream", ["images.example", STORAGE_UPSTREAM])
def test_nothing_is_claimed_along_while_an_upstream_is_in_trouble(
    filled: MakeDispatcher, breakers: Breakers, upstream: str
) -> None:
    dispatcher = filled(100)
    error = (
        storage_error(ErrorCode.STORAGE_RATE_LIMITED)
        if upstream == STORAGE_UPSTREAM
        else source_error(ErrorCode.SOURCE_RATE_LIMITED)
    )
    breakers.failed(new_claim(), error)
    assert dispatcher.take(3) == 0


def test_slots_stay_free_when_a_claim_fails(slots: Slots, breakers: Breakers) -> None:
    class Away(Backlog):
        def claim(self, limit: int, **_which: object) -> list[Claim]:
            raise DatabaseUnavailable(f"no {limit} rows")

    away: Any = Away()
    with pytest.raises(DatabaseUnavailable):
        Dispatcher(away, slots, breakers, Restraint(SLOTS)).fill()
    assert slots.free == 4


def test_slots_whose_attempts_began_stay_taken_when_a_later_claim_fails(
    slots: Slots, breakers: Breakers
) -> None:
    """Else each such turn would let the worker have more under way than its slots."""

    class Breaking(Backlog):
        def claim(self, limit: int, *, group: Group, **which: Any) -> list[Claim]:
            if group is Group.LOST:
                raise DatabaseUnavailable(f"no {limit} rows")
            return super().claim(limit, group=group, **which)

    breaking: Any = Breaking(new=SLOTS)
    with pytest.raises(DatabaseUnavailable):
        Dispatcher(breaking, slots, breakers, Restraint(SLOTS)).fill()
    begun = len(slots.under_way)
    assert 0 < begun < SLOTS
    assert slots.free == SLOTS - begun


def test_after_a_lack_of_our_own_it_takes_nothing_and_then_less(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    restraint, backlog = Restraint(SLOTS, clock), Backlog(10)
    queue: Any = backlog
    dispatcher = Dispatcher(queue, slots, breakers, restraint, clock=clock)
    restraint.met(ResourceExhausted(Resource.THREADS, "none"))
    filled = dispatcher.fill()
    assert (filled.started, filled.withheld, backlog.asked) == (0, SLOTS, [])
    assert dispatcher.take(2) == 0
    clock.now += restraint.seconds_until_change or 0.0
    filled = dispatcher.fill()
    assert (filled.started, filled.withheld) == (SLOTS // 2, SLOTS // 2)
    assert filled.look_again, "more are due"
    assert dispatcher.take(2) == 0, "nor along with completions"
