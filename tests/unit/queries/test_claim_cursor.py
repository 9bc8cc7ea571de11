"""A claim begins at the most urgent row, unless walking from there has become slow."""

import pytest

from storyboard_worker.queries.claim_cursor import ONWARD_ONE_IN, REMEMBERED, ClaimCursor
from storyboard_worker.queries.throttle import SHARE
from tests.support.clock import Clock

FIRST, SECOND, THIRD = ("0", "a"), ("0", "b"), ("0", "c")


@pytest.fixture
def claim_cursor(clock: Clock) -> ClaimCursor:
    return ClaimCursor(clock)


def slow_down(claim_cursor: ClaimCursor) -> None:
    """A claim from the cursor takes a millisecond, and a full pass takes a second longer."""
    claim_cursor.passed("alone", SECOND, FIRST, 0.001)
    for _ in range(REMEMBERED):
        claim_cursor.passed("alone", None, FIRST, 1.001)


def test_quick_claims_begin_at_the_most_urgent_row(claim_cursor: ClaimCursor) -> None:
    begun = []
    for _ in range(10 * ONWARD_ONE_IN):
        begun.append(claim_cursor.start)
        claim_cursor.passed("alone", claim_cursor.start, FIRST, 0.001)
    assert begun.count(FIRST) == 10
    assert begun.count(None) == 10 * ONWARD_ONE_IN - 10


def test_slow_ones_go_on_where_the_last_one_ended(claim_cursor: ClaimCursor, clock: Clock) -> None:
    slow_down(claim_cursor)
    assert claim_cursor.start == FIRST
    claim_cursor.passed("alone", FIRST, SECOND, 0.001)
    assert claim_cursor.start == SECOND
    claim_cursor.passed("alone", SECOND, None, 0.001)
    assert claim_cursor.start == SECOND
    assert claim_cursor.seconds_until_full_pass == pytest.approx(1.0 * SHARE)
    clock.now += 1.0 * SHARE
    assert claim_cursor.start is None


def test_after_a_full_pass_nothing_is_passed_over(claim_cursor: ClaimCursor) -> None:
    slow_down(claim_cursor)
    assert claim_cursor.seconds_until_full_pass is None


def test_a_full_pass_may_lead_back(claim_cursor: ClaimCursor) -> None:
    slow_down(claim_cursor)
    claim_cursor.passed("alone", FIRST, THIRD, 0.001)
    claim_cursor.passed("alone", None, SECOND, 1.001)
    assert claim_cursor.start == SECOND


def test_a_slow_way_to_the_database_is_no_slow_walk(claim_cursor: ClaimCursor) -> None:
    """A slow disk is none, either: empty claims write nothing and are quicker."""
    for _ in range(10):
        claim_cursor.passed("alone", None, None, 0.001)
    claim_cursor.passed("alone", FIRST, SECOND, 0.5)
    for _ in range(3 * REMEMBERED):
        claim_cursor.passed("alone", None, FIRST, 0.5)
    assert claim_cursor.start is None


def test_noise_is_no_slow_walk(claim_cursor: ClaimCursor) -> None:
    claim_cursor.passed("alone", SECOND, FIRST, 0.001)
    for number in range(3 * REMEMBERED):
        claim_cursor.passed("alone", None, FIRST, 0.001 if number % REMEMBERED == 0 else 0.1)
        assert claim_cursor.start is None


def test_each_kind_of_pass_has_its_own_measure(claim_cursor: ClaimCursor) -> None:
    """A pass that also does other work does not count as slow for it."""
    claim_cursor.passed("alone", SECOND, FIRST, 0.001)
    claim_cursor.passed("along", SECOND, FIRST, 0.1)
    for _ in range(REMEMBERED):
        claim_cursor.passed("along", None, FIRST, 0.1)
    assert claim_cursor.start is None


def test_a_walk_too_long_for_the_database_is_not_tried_again_at_once(
    claim_cursor: ClaimCursor,
) -> None:
    claim_cursor.passed("alone", None, FIRST, 0.001)
    claim_cursor.failed(None, 15.0)
    assert claim_cursor.start == FIRST
