"""Costly work may take a twentieth of the time."""

import pytest

from storyboard_worker.queries.throttle import NEGLIGIBLE_SECONDS, SHARE, Throttle
from tests.support.clock import Clock


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def test_at_first_it_is_affordable(throttle: Throttle) -> None:
    assert throttle.seconds_until_affordable == 0


def test_then_it_has_to_wait_in_proportion(throttle: Throttle, clock: Clock) -> None:
    throttle.spent(0.1)
    assert throttle.seconds_until_affordable == pytest.approx(0.1 * SHARE)
    clock.now += 0.1 * SHARE
    assert throttle.seconds_until_affordable == 0


def test_work_without_cost_is_never_held_back(throttle: Throttle) -> None:
    throttle.spent(NEGLIGIBLE_SECONDS)
    assert throttle.seconds_until_affordable == 0
