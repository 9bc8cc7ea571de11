"""Breakers by a clock that goes only when it is told to."""

import pytest

from storyboard_worker.attempts.breakers import Breakers
from tests.support.clock import Clock


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock)
