"""A pause of an upstream is told once when it has lasted, and once when it is over."""

import pytest

from storyboard_worker.attempts.breakers import LASTING_SECONDS, Breakers
from storyboard_worker.attempts.pauses import Lasting
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from tests.support.attempts import HOST, new_claim, source_error, storage_error
from tests.support.clock import Clock

DOWN = source_error()
REFUSED = storage_error(ErrorCode.STORAGE_UNAUTHORIZED)


def open_it(breakers: Breakers, error: AttemptError = DOWN) -> None:
    for _ in range(5):
        breakers.failed(new_claim(), error)


def keep_asking(breakers: Breakers, clock: Clock, seconds: float) -> None:
    """Probes find it down all that time."""
    ends_at = clock.now + seconds
    while clock.now + breakers.paused_seconds()[HOST] < ends_at:
        clock.now += breakers.paused_seconds()[HOST]
        probes = [new_claim() for _ in range(breakers.probes_wanted(HOST))]
        for probe in probes:
            breakers.started(probe)
        for probe in probes:
            breakers.failed(probe, source_error(ErrorCode.SOURCE_TIMEOUT))
    clock.now = ends_at


def test_a_short_pause_is_not_told_and_neither_is_its_end(breakers: Breakers, clock: Clock) -> None:
    open_it(breakers)
    keep_asking(breakers, clock, LASTING_SECONDS - 1)
    assert breakers.take_news() == []
    breakers.succeeded(new_claim())
    clock.now += LASTING_SECONDS
    assert breakers.take_news() == []


def test_one_that_has_lasted_a_minute_is_told_once_with_what_began_it(
    breakers: Breakers, clock: Clock
) -> None:
    open_it(breakers)
    keep_asking(breakers, clock, LASTING_SECONDS)
    assert breakers.take_news() == [Lasting(HOST, DOWN, LASTING_SECONDS, is_over=False)]
    keep_asking(breakers, clock, 1000)
    assert breakers.take_news() == []


def test_its_end_is_told_once(breakers: Breakers, clock: Clock) -> None:
    open_it(breakers)
    keep_asking(breakers, clock, LASTING_SECONDS)
    breakers.take_news()
    keep_asking(breakers, clock, 40)
    breakers.succeeded(new_claim())
    assert breakers.take_news() == [Lasting(HOST, DOWN, LASTING_SECONDS + 40, is_over=True)]
    assert breakers.take_news() == []


def test_the_next_trouble_is_told_again(breakers: Breakers, clock: Clock) -> None:
    open_it(breakers)
    keep_asking(breakers, clock, LASTING_SECONDS)
    breakers.take_news()
    breakers.succeeded(new_claim())
    breakers.take_news()
    open_it(breakers)
    assert breakers.take_news() == []
    assert breakers.lasting_seconds() == {HOST: 0.0}
    keep_asking(breakers, clock, LASTING_SECONDS)
    [again] = breakers.take_news()
    assert (again.seconds, again.is_over) == (LASTING_SECONDS, False)


def test_refused_credentials_are_told_at_once(breakers: Breakers) -> None:
    breakers.failed(new_claim(), REFUSED)
    assert breakers.take_news() == [Lasting(STORAGE_UPSTREAM, REFUSED, 0.0, is_over=False)]
    assert breakers.take_news() == []


@pytest.mark.parametrize(("asked_seconds", "told"), [(59, 0), (600, 1)])
def test_a_rate_limit_is_told_if_it_lasts(
    breakers: Breakers, clock: Clock, asked_seconds: float, told: int
) -> None:
    error = source_error(ErrorCode.SOURCE_RATE_LIMITED, retry_after_seconds=asked_seconds)
    breakers.failed(new_claim(), error)
    assert breakers.take_news() == []
    clock.now += LASTING_SECONDS
    assert len(list(breakers.take_news())) == told


def test_rate_limits_that_follow_each_other_are_one_trouble(
    breakers: Breakers, clock: Clock
) -> None:
    error = source_error(ErrorCode.SOURCE_RATE_LIMITED, retry_after_seconds=20)
    for _ in range(4):
        breakers.failed(new_claim(), error)
        clock.now += 20
    breakers.failed(new_claim(), error)
    [news] = breakers.take_news()
    assert (news.error.code, news.seconds) == (ErrorCode.SOURCE_RATE_LIMITED, 80)


def test_how_long_each_upstream_has_been_left_alone(breakers: Breakers, clock: Clock) -> None:
    breakers.failed(new_claim(), REFUSED)
    clock.now += 1
    open_it(breakers)
    keep_asking(breakers, clock, 300)
    assert breakers.lasting_seconds() == {STORAGE_UPSTREAM: 301.0, HOST: 300.0}
    breakers.succeeded(new_claim())
    assert breakers.lasting_seconds() == {}
