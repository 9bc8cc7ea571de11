"""Upstreams that limit our rate or refuse our credentials."""

import pytest

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.pauses import Pauses
from tests.unit.clock import Clock

HOST = "images.example"


def limited(asked_seconds: float | None) -> AttemptError:
    return AttemptError(
        ErrorCode.SOURCE_RATE_LIMITED,
        "slow down",
        upstream=HOST,
        retry_after_seconds=asked_seconds,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pauses(clock: Clock) -> Pauses:
    return Pauses(clock)


def test_what_was_under_way_does_not_end_a_pause(pauses: Pauses) -> None:
    pauses.failed(HOST, limited(600))
    pauses.succeeded(HOST)
    missing = AttemptError(ErrorCode.SOURCE_NOT_FOUND, "404", upstream=HOST)
    assert pauses.failed(HOST, missing) is None
    stored = AttemptError(ErrorCode.STORAGE_REJECTED, "400", upstream=STORAGE_UPSTREAM)
    assert pauses.failed(HOST, stored) is None
    assert pauses.paused_seconds() == {HOST: 600}


def test_what_was_under_way_does_not_shorten_a_pause(pauses: Pauses) -> None:
    pauses.failed(HOST, limited(600))
    assert pauses.failed(HOST, limited(1)) is None
    assert pauses.paused_seconds() == {HOST: 600}


def test_a_success_after_its_time_ends_it(pauses: Pauses, clock: Clock) -> None:
    pauses.failed(HOST, limited(600))
    clock.now += 600
    pauses.start_probe(HOST)
    pauses.succeeded(HOST)
    assert pauses.hosts_to_avoid() == set()


def test_an_upstream_that_asks_for_no_time_is_asked_ever_more_rarely(
    pauses: Pauses, clock: Clock
) -> None:
    lengths = []
    for _ in range(7):
        pauses.failed(HOST, limited(0))
        lengths.append(pauses.paused_seconds()[HOST])
        clock.now += lengths[-1]
        pauses.start_probe(HOST)
    assert lengths == [1, 2, 4, 8, 16, 30, 30]
