"""What costs much may take a twentieth of the time."""

import pytest

from storyboard_worker.queries.throttle import NEGLIGIBLE_SECONDS, SHARE, Thrift
from tests.unit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def thrift(clock: Clock) -> Thrift:
    return Thrift(clock)


def test_at_first_it_is_affordable(thrift: Thrift) -> None:
    assert thrift.seconds_until_affordable == 0


def test_then_it_has_to_wait_in_proportion(thrift: Thrift, clock: Clock) -> None:
    thrift.spent(0.1)
    assert thrift.seconds_until_affordable == pytest.approx(0.1 * SHARE)
    clock.now += 0.1 * SHARE
    assert thrift.seconds_until_affordable == 0


def test_what_costs_nothing_is_never_held_back(thrift: Thrift) -> None:
    thrift.spent(NEGLIGIBLE_SECONDS)
    assert thrift.seconds_until_affordable == 0
