"""A claim begins at the most urgent row, unless walking there has become slow."""

import pytest

from storyboard_worker.queries.claim_cursor import ONWARD_ONE_IN, REMEMBERED, Frontier
from storyboard_worker.queries.throttle import SHARE
from tests.unit.clock import Clock

FIRST, SECOND, THIRD = ("0", "a"), ("0", "b"), ("0", "c")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def frontier(clock: Clock) -> Frontier:
    return Frontier(clock)


def slow_down(frontier: Frontier) -> None:
    """Onward it takes a millisecond, from the beginning a second longer."""
    frontier.passed("alone", SECOND, FIRST, 0.001)
    for _ in range(REMEMBERED):
        frontier.passed("alone", None, FIRST, 1.001)


def test_quick_claims_begin_at_the_most_urgent_row(frontier: Frontier) -> None:
    begun = []
    for _ in range(10 * ONWARD_ONE_IN):
        begun.append(frontier.start)
        frontier.passed("alone", frontier.start, FIRST, 0.001)
    assert begun.count(FIRST) == 10
    assert begun.count(None) == 10 * ONWARD_ONE_IN - 10


def test_slow_ones_go_on_where_the_last_one_ended(frontier: Frontier, clock: Clock) -> None:
    slow_down(frontier)
    assert frontier.start == FIRST
    frontier.passed("alone", FIRST, SECOND, 0.001)
    assert frontier.start == SECOND
    frontier.passed("alone", SECOND, None, 0.001)
    assert frontier.start == SECOND
    assert frontier.seconds_until_whole_pass == pytest.approx(1.0 * SHARE)
    clock.now += 1.0 * SHARE
    assert frontier.start is None


def test_after_a_whole_pass_nothing_is_passed_over(frontier: Frontier) -> None:
    slow_down(frontier)
    assert frontier.seconds_until_whole_pass is None


def test_a_whole_pass_may_lead_back(frontier: Frontier) -> None:
    slow_down(frontier)
    frontier.passed("alone", FIRST, THIRD, 0.001)
    frontier.passed("alone", None, SECOND, 1.001)
    assert frontier.start == SECOND


def test_a_slow_way_to_the_database_is_no_slow_walk(frontier: Frontier) -> None:
    """Nor is a slow disk: empty claims write nothing and are quicker."""
    for _ in range(10):
        frontier.passed("alone", None, None, 0.001)
    frontier.passed("alone", FIRST, SECOND, 0.5)
    for _ in range(3 * REMEMBERED):
        frontier.passed("alone", None, FIRST, 0.5)
    assert frontier.start is None


def test_noise_is_no_slow_walk(frontier: Frontier) -> None:
    frontier.passed("alone", SECOND, FIRST, 0.001)
    for number in range(3 * REMEMBERED):
        frontier.passed("alone", None, FIRST, 0.001 if number % REMEMBERED == 0 else 0.1)
        assert frontier.start is None


def test_each_kind_of_pass_has_its_own_measure(frontier: Frontier) -> None:
    """One that does more besides is not slow for it."""
    frontier.passed("alone", SECOND, FIRST, 0.001)
    frontier.passed("along", SECOND, FIRST, 0.1)
    for _ in range(REMEMBERED):
        frontier.passed("along", None, FIRST, 0.1)
    assert frontier.start is None


def test_a_walk_too_long_for_the_database_is_not_tried_again_at_once(frontier: Frontier) -> None:
    frontier.passed("alone", None, FIRST, 0.001)
    frontier.failed(None, 15.0)
    assert frontier.start == FIRST
