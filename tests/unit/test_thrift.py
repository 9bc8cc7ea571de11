"""What has become slow may take a twentieth of the time, and what is quick is never held back."""

import pytest

from storyboard_worker.queries.thrift import REMEMBERED, SHARE, Thrift
from tests.unit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def thrift(clock: Clock) -> Thrift:
    return Thrift(clock)


def test_at_first_it_is_affordable(thrift: Thrift) -> None:
    assert thrift.seconds_until_affordable == 0


def test_what_is_always_slow_has_to_wait_in_proportion(thrift: Thrift, clock: Clock) -> None:
    for _ in range(REMEMBERED):
        thrift.spent(0.1)
    assert thrift.seconds_until_affordable == pytest.approx(0.1 * SHARE)
    clock.now += 0.1 * SHARE
    assert thrift.seconds_until_affordable == 0


def test_noise_holds_nothing_back(thrift: Thrift) -> None:
    for number in range(100):
        thrift.spent(0.0 if number % REMEMBERED == 0 else 0.1)
        assert thrift.seconds_until_affordable == 0


def test_what_is_quick_again_is_free_again(thrift: Thrift, clock: Clock) -> None:
    for _ in range(REMEMBERED):
        thrift.spent(0.1)
    clock.now += 0.1 * SHARE
    thrift.spent(0.0)
    assert thrift.seconds_until_affordable == 0
