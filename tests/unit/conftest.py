"""Breakers with a clock that stands still until a test sets it."""

import pytest

from storyboard_worker.attempts.breakers import Breakers
from tests.support.clock import Clock


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock)
