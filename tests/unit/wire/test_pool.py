"""Idle connections are checked before a request that could not be repeated."""

from dataclasses import dataclass
from typing import cast

import pytest

from storyboard_worker.wire.connection import Connection
from storyboard_worker.wire.pool import IdleConnections
from storyboard_worker.wire.request import Origin
from tests.support.clock import Clock

ORIGIN = Origin("https", "images.example", 443)


@dataclass
class Kept:
    is_quiet: bool
    closed: bool = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def idle(clock: Clock) -> IdleConnections:
    return IdleConnections(15.0, clock)


def put(idle: IdleConnections, *, is_quiet: bool) -> Kept:
    kept = Kept(is_quiet)
    idle.put(ORIGIN, cast("Connection", kept))
    return kept


def test_a_dead_connection_is_not_given_to_a_request_that_cannot_be_repeated(
    idle: IdleConnections,
) -> None:
    alive, dead = put(idle, is_quiet=True), put(idle, is_quiet=False)
    assert idle.take(ORIGIN) is cast("object", alive)
    assert dead.closed


def test_connections_of_any_age_are_checked(idle: IdleConnections) -> None:
    kept = put(idle, is_quiet=False)
    assert idle.take(ORIGIN) is None
    assert kept.closed


def put_at(idle: IdleConnections, place: str) -> Kept:
    kept = Kept(is_quiet=True)
    idle.put(place, cast("Connection", kept))
    return kept


def test_above_the_most_the_one_used_longest_ago_is_closed_whatever_its_place(clock: Clock) -> None:
    idle = IdleConnections(15.0, clock, most=3)
    kept = []
    for place in ("a", "b", "a", "c", "b"):
        kept.append(put_at(idle, place))
        clock.now += 1
    assert [one.closed for one in kept] == [True, True, False, False, False]
    assert idle.take("a") is cast("object", kept[2])
    put_at(idle, "d")
    assert not kept[3].closed, "one that was taken has made room"


def test_stale_connections_make_room_as_well(clock: Clock) -> None:
    idle = IdleConnections(15.0, clock, most=2)
    old = [put_at(idle, place) for place in ("a", "b")]
    clock.now += 15
    new = [put_at(idle, place) for place in ("c", "d")]
    assert [one.closed for one in [*old, *new]] == [True, True, False, False]


def test_all_are_closed_when_their_descriptors_are_needed(idle: IdleConnections) -> None:
    kept = [put_at(idle, place) for place in ("a", "b")]
    assert idle.evict() == 2
    assert all(one.closed for one in kept)
    assert idle.evict() == 0
    assert not put_at(idle, "a").closed
