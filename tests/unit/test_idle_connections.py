"""Idle connections are looked at before a request that could not be repeated."""

from dataclasses import dataclass
from typing import cast

import pytest

from storyboard_worker.wire.connection import Connection
from storyboard_worker.wire.dialing import Origin
from storyboard_worker.wire.pool import IdleConnections
from tests.unit.clock import Clock

ORIGIN = Origin("https", "images.example", 443)


@dataclass
class Kept:
    is_quiet: bool
    closed: bool = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def idle(clock: Clock) -> IdleConnections:
    return IdleConnections(15.0, clock)


def put(idle: IdleConnections, *, is_quiet: bool) -> Kept:
    kept = Kept(is_quiet)
    idle.put(ORIGIN, cast("Connection", kept))
    return kept


def test_a_dead_one_is_not_given_to_a_request_that_cannot_be_repeated(
    idle: IdleConnections,
) -> None:
    alive, dead = put(idle, is_quiet=True), put(idle, is_quiet=False)
    assert idle.take(ORIGIN) is cast("object", alive)
    assert dead.closed


def test_each_is_looked_at_whatever_its_age(idle: IdleConnections) -> None:
    kept = put(idle, is_quiet=False)
    assert idle.take(ORIGIN) is None
    assert kept.closed
