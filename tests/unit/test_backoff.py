"""Waits double, up to a limit, and begin anew once all is well."""

import pytest

from storyboard_worker.backoff import Backoff


@pytest.fixture
def backoff() -> Backoff:
    return Backoff(1.0, 5.0)


def test_waits_double_up_to_the_longest(backoff: Backoff) -> None:
    assert [backoff.take() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_reset_begins_with_the_first_wait(backoff: Backoff) -> None:
    backoff.take()
    backoff.take()
    backoff.reset()
    assert [backoff.take(), backoff.take()] == [1.0, 2.0]


def test_a_limit_of_one_failure_holds_for_the_next_wait(backoff: Backoff) -> None:
    assert [backoff.take() for _ in range(3)] == [1.0, 2.0, 4.0]
    assert backoff.take(longest_seconds=3.0) == 5.0
    assert backoff.take() == 3.0
    assert backoff.take() == 5.0


def test_a_longer_wait_can_be_asked_for_once(backoff: Backoff) -> None:
    backoff.raise_to(60.0)
    assert [backoff.take(), backoff.take()] == [60.0, 5.0]


def test_a_shorter_wait_is_not_taken(backoff: Backoff) -> None:
    backoff.take()
    backoff.raise_to(1.0)
    assert backoff.take() == 2.0
