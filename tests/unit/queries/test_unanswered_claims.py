"""The worker looks for the rows of unanswered claims, for two minutes."""

import pytest

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.unanswered_claims import (
    LOOK_EVERY_SECONDS,
    LOOKED_FOR_SECONDS,
    MARK_CHARACTERS,
    UnansweredClaims,
)
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def unanswered(clock: Clock) -> UnansweredClaims:
    return UnansweredClaims(clock)


def lose(unanswered: UnansweredClaims) -> str:
    """The mark of a claim without an answer."""
    marked = unanswered.marked()
    mark = marked.__enter__()
    error = DatabaseUnavailable("silent")
    assert not marked.__exit__(type(error), error, None)
    return mark


def test_an_answered_claim_is_not_looked_for(unanswered: UnansweredClaims) -> None:
    with unanswered.marked() as mark:
        assert len(mark) == MARK_CHARACTERS
    assert unanswered.to_look_for() == []
    assert unanswered.seconds_until_look is None


def test_each_claim_has_a_mark_of_its_own(unanswered: UnansweredClaims) -> None:
    assert len({lose(unanswered) for _ in range(100)}) == 100


def test_an_unanswered_claim_is_looked_for_at_once_and_then_every_second(
    unanswered: UnansweredClaims, clock: Clock
) -> None:
    mark = lose(unanswered)
    assert unanswered.seconds_until_look == 0
    assert unanswered.to_look_for() == [mark]
    assert unanswered.to_look_for() == []
    clock.now += LOOK_EVERY_SECONDS / 4
    assert unanswered.seconds_until_look == LOOK_EVERY_SECONDS * 3 / 4
    clock.now += LOOK_EVERY_SECONDS
    assert unanswered.to_look_for() == [mark]


def test_a_settled_mark_is_not_looked_for_again(unanswered: UnansweredClaims, clock: Clock) -> None:
    found, missing = lose(unanswered), lose(unanswered)
    assert unanswered.to_look_for() == [found, missing]
    unanswered.settled({found})
    clock.now += LOOK_EVERY_SECONDS
    assert unanswered.to_look_for() == [missing]


def test_a_failed_look_is_repeated_at_once(unanswered: UnansweredClaims) -> None:
    mark = lose(unanswered)
    unanswered.to_look_for()
    unanswered.look_failed()
    assert unanswered.to_look_for() == [mark]


def test_a_new_unanswered_claim_is_looked_for_at_once(unanswered: UnansweredClaims) -> None:
    first = lose(unanswered)
    unanswered.to_look_for()
    second = lose(unanswered)
    assert unanswered.to_look_for() == [first, second]


def test_an_unanswered_claim_is_forgotten_after_a_while(
    unanswered: UnansweredClaims, clock: Clock
) -> None:
    lose(unanswered)
    clock.now += LOOKED_FOR_SECONDS
    assert unanswered.to_look_for() == []
    assert unanswered.seconds_until_look is None
