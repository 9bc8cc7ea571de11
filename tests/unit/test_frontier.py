"""A claim begins at the most urgent row, unless walking there has become slow."""

import pytest

from storyboard_worker.queries.frontier import Frontier
from storyboard_worker.queries.thrift import REMEMBERED, SHARE
from tests.unit.clock import Clock

FIRST, SECOND, THIRD = ("0", "a"), ("0", "b"), ("0", "c")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def frontier(clock: Clock) -> Frontier:
    return Frontier(clock)


def slow_down(frontier: Frontier) -> None:
    """The first pass was quick; since then each takes a second longer."""
    frontier.passed("alone", None, FIRST, 0.001)
    for _ in range(REMEMBERED):
        frontier.passed("alone", None, FIRST, 1.001)


def test_quick_claims_begin_at_the_most_urgent_row(frontier: Frontier) -> None:
    for _ in range(50):
        frontier.passed("alone", None, FIRST, 0.001)
        assert frontier.start is None
    assert frontier.seconds_until_whole_pass is None


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


def test_each_kind_of_pass_has_its_own_measure(frontier: Frontier) -> None:
    """One that does more besides is not slow for it."""
    for _ in range(50):
        frontier.passed("alone", None, FIRST, 0.001)
        frontier.passed("along", None, FIRST, 0.005)
        assert frontier.start is None
