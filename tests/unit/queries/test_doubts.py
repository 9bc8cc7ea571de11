"""Claims whose answer never came are searched for, for a while."""

import pytest

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.doubts import (
    LOOK_EVERY_SECONDS,
    LOOKED_FOR_SECONDS,
    MARK_CHARACTERS,
    Doubts,
)
from tests.support.clock import Clock


@pytest.fixture
def doubts(clock: Clock) -> Doubts:
    return Doubts(clock)


def lose(doubts: Doubts) -> str:
    """The mark of a claim without an answer."""
    marked = doubts.marked()
    mark = marked.__enter__()
    error = DatabaseUnavailable("silent")
    assert not marked.__exit__(type(error), error, None)
    return mark


def test_an_answered_claim_is_not_in_doubt(doubts: Doubts) -> None:
    with doubts.marked() as mark:
        assert len(mark) == MARK_CHARACTERS
    assert doubts.to_look_for() == []
    assert doubts.seconds_until_look is None


def test_each_claim_has_a_mark_of_its_own(doubts: Doubts) -> None:
    assert len({lose(doubts) for _ in range(100)}) == 100


def test_it_is_looked_for_at_once_and_then_every_second(doubts: Doubts, clock: Clock) -> None:
    mark = lose(doubts)
    assert doubts.seconds_until_look == 0
    assert doubts.to_look_for() == [mark]
    assert doubts.to_look_for() == []
    clock.now += LOOK_EVERY_SECONDS / 4
    assert doubts.seconds_until_look == LOOK_EVERY_SECONDS * 3 / 4
    clock.now += LOOK_EVERY_SECONDS
    assert doubts.to_look_for() == [mark]


def test_a_claim_that_was_found_is_searched_for_no_more(doubts: Doubts, clock: Clock) -> None:
    found, missing = lose(doubts), lose(doubts)
    assert doubts.to_look_for() == [found, missing]
    doubts.settled({found})
    clock.now += LOOK_EVERY_SECONDS
    assert doubts.to_look_for() == [missing]


def test_a_look_that_failed_is_made_again_at_once(doubts: Doubts) -> None:
    mark = lose(doubts)
    doubts.to_look_for()
    doubts.look_failed()
    assert doubts.to_look_for() == [mark]


def test_a_new_doubt_does_not_wait_for_the_next_look(doubts: Doubts) -> None:
    first = lose(doubts)
    doubts.to_look_for()
    second = lose(doubts)
    assert doubts.to_look_for() == [first, second]


def test_it_is_forgotten_in_the_end(doubts: Doubts, clock: Clock) -> None:
    lose(doubts)
    clock.now += LOOKED_FOR_SECONDS
    assert doubts.to_look_for() == []
    assert doubts.seconds_until_look is None
