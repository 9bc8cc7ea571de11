"""After a lack of its own a worker takes no rows for a moment, and then fewer than before."""

import pytest

from storyboard_worker.errors import Resource, ResourceExhausted
from storyboard_worker.resources.restraint import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TOLD_AFTER_SECONDS,
    Restraint,
)
from tests.support.clock import Clock

SLOTS = 16


@pytest.fixture
def restraint(clock: Clock) -> Restraint:
    return Restraint(SLOTS, clock)


def lack(resource: Resource = Resource.DESCRIPTORS) -> ResourceExhausted:
    return ResourceExhausted(resource, "none left")


def sit_out(restraint: Restraint, clock: Clock) -> float:
    seconds = restraint.seconds_until_change or 0.0
    clock.now += seconds
    return seconds


def test_without_a_lack_nothing_is_held_back(restraint: Restraint) -> None:
    restraint.ended_well()
    assert (restraint.most, restraint.withheld, restraint.holds_back) == (SLOTS, 0, False)
    assert restraint.seconds_until_change is None
    assert restraint.take_news(at_once=True) is None


def test_nothing_is_taken_for_a_moment_and_then_half(restraint: Restraint, clock: Clock) -> None:
    restraint.met(lack())
    assert (restraint.most, restraint.withheld) == (0, SLOTS)
    assert sit_out(restraint, clock) == FIRST_PAUSE_SECONDS
    assert (restraint.most, restraint.withheld) == (SLOTS // 2, SLOTS // 2)
    assert restraint.holds_back


def test_slots_that_lack_together_count_once(restraint: Restraint, clock: Clock) -> None:
    for _ in range(SLOTS):
        restraint.met(lack())
        clock.now += 0.1
    sit_out(restraint, clock)
    assert restraint.most == SLOTS // 2


def test_while_nothing_ends_well_the_pauses_grow_and_one_slot_is_left(
    restraint: Restraint, clock: Clock
) -> None:
    pauses = []
    for _ in range(6):
        restraint.met(lack())
        pauses.append(sit_out(restraint, clock))
    assert pauses == [5, 10, 20, 40, 60, LONGEST_PAUSE_SECONDS]
    assert restraint.most == 1


def test_attempts_that_end_well_afterwards_open_one_slot_after_the_other(
    restraint: Restraint, clock: Clock
) -> None:
    restraint.met(lack())
    restraint.ended_well()
    sit_out(restraint, clock)
    for most in range(SLOTS // 2, SLOTS):
        for _ in range(most):
            assert restraint.most == most
            restraint.ended_well()
    assert not restraint.holds_back
    restraint.met(lack())
    assert sit_out(restraint, clock) == FIRST_PAUSE_SECONDS


def test_its_row_waits_no_longer_than_a_short_pause(restraint: Restraint, clock: Clock) -> None:
    """Another worker may have what this one lacks."""
    for _ in range(4):
        error = lack()
        restraint.met(error)
        assert error.retry_after_seconds == FIRST_PAUSE_SECONDS
        sit_out(restraint, clock)


def test_without_room_for_the_spool_the_other_rows_go_on(restraint: Restraint) -> None:
    restraint.met(lack(Resource.SPOOL))
    assert restraint.most == SLOTS
    assert restraint.take_news(at_once=True) is not None


def test_it_is_told_a_moment_later_and_once(restraint: Restraint, clock: Clock) -> None:
    first = lack()
    restraint.met(first)
    restraint.met(lack())
    assert restraint.take_news() is None
    clock.now += TOLD_AFTER_SECONDS
    assert restraint.take_news() is first
    assert restraint.take_news(at_once=True) is None


def test_each_lack_is_relieved(restraint: Restraint) -> None:
    relieved: list[int] = []
    restraint.relieved_by(lambda: relieved.append(1))
    restraint.met(lack())
    restraint.met(lack())
    assert len(relieved) == 2
