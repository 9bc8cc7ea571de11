"""A trouble that no row asks about is forgotten."""

import pytest

from storyboard_worker.attempts.breaker import FORGOTTEN_AFTER_SECONDS, PROBES_AT_ONCE
from storyboard_worker.attempts.breakers import LASTING_SECONDS, RECALLED_AFTER_SECONDS, Breakers
from storyboard_worker.attempts.pauses import Lasting, Recovery
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from tests.support.attempts import HOST, new_claim, source_error, storage_error
from tests.support.clock import Clock

DOWN = source_error()


def half_open_it(breakers: Breakers, clock: Clock, error: AttemptError = DOWN) -> None:
    for _ in range(5):
        breakers.failed(new_claim(), error)
    clock.now += 2
    upstream = STORAGE_UPSTREAM if error.upstream == STORAGE_UPSTREAM else HOST
    assert breakers.probes_wanted(upstream) == PROBES_AT_ONCE


@pytest.mark.parametrize("error", [DOWN, storage_error()], ids=["source", "storage"])
def test_a_half_open_one_that_finds_no_row_is_closed_after_a_while(
    breakers: Breakers, clock: Clock, error: AttemptError
) -> None:
    half_open_it(breakers, clock, error)
    for upstream in (HOST, STORAGE_UPSTREAM):
        breakers.no_row_found(upstream)
    clock.now += FORGOTTEN_AFTER_SECONDS - 1
    breakers.take_news()
    assert len(breakers.paused_seconds()) == len(breakers.lasting_seconds()) == 1
    clock.now += 1
    breakers.take_news()
    assert breakers.all_closed
    assert breakers.paused_seconds() == breakers.lasting_seconds() == {}


def test_a_row_that_asks_starts_that_while_again(breakers: Breakers, clock: Clock) -> None:
    half_open_it(breakers, clock)
    breakers.no_row_found(HOST)
    clock.now += FORGOTTEN_AFTER_SECONDS - 1
    breakers.started(probe := new_claim())
    breakers.no_row_found(HOST)
    clock.now += FORGOTTEN_AFTER_SECONDS
    breakers.take_news()
    assert not breakers.all_closed, "it has yet to hear from that one"
    breakers.failed(probe, DOWN)
    breakers.take_news()
    assert breakers.paused_seconds() == {HOST: 4.0}


def test_an_upstream_is_kept_while_no_slot_is_free_to_ask_it(
    breakers: Breakers, clock: Clock
) -> None:
    half_open_it(breakers, clock)
    clock.now += 10 * FORGOTTEN_AFTER_SECONDS
    breakers.take_news()
    assert not breakers.all_closed


def test_none_is_forgotten_within_its_pause(breakers: Breakers, clock: Clock) -> None:
    breakers.failed(new_claim(), storage_error(ErrorCode.STORAGE_UNAUTHORIZED))
    breakers.no_row_found(STORAGE_UPSTREAM)
    clock.now += FORGOTTEN_AFTER_SECONDS
    breakers.take_news()
    assert not breakers.all_closed


def test_its_end_is_told_if_it_was_told_and_recalls_nothing(
    breakers: Breakers, clock: Clock
) -> None:
    half_open_it(breakers, clock)
    breakers.no_row_found(HOST)
    clock.now += FORGOTTEN_AFTER_SECONDS - 2
    assert [news.is_over for news in breakers.take_news()] == [False]
    clock.now += 2
    seconds = FORGOTTEN_AFTER_SECONDS + 2
    over = Lasting(HOST, DOWN, seconds, is_over=True, is_forgotten=True)
    assert list(breakers.take_news()) == [over]
    assert breakers.take_recoveries() == []
    assert breakers.take_news() == []


def limit(breakers: Breakers, seconds: float) -> None:
    error = source_error(ErrorCode.SOURCE_RATE_LIMITED, retry_after_seconds=seconds)
    breakers.failed(new_claim(), error)


def test_a_rate_limit_long_after_another_is_a_trouble_of_its_own(
    breakers: Breakers, clock: Clock
) -> None:
    limit(breakers, 10)
    clock.now += 10 + FORGOTTEN_AFTER_SECONDS
    breakers.take_news()
    clock.now += 3600
    limit(breakers, 10)
    assert breakers.lasting_seconds() == {HOST: 0.0}
    assert breakers.take_news() == []


def test_errors_of_rows_since_a_rate_limit_still_count(breakers: Breakers, clock: Clock) -> None:
    limit(breakers, 10)
    clock.now += 10 + FORGOTTEN_AFTER_SECONDS
    for _ in range(4):
        breakers.failed(new_claim(), DOWN)
    breakers.take_news()
    breakers.failed(new_claim(), DOWN)
    assert breakers.paused_seconds() == {HOST: 2.0}


def test_the_end_of_a_rate_limit_is_told_though_no_row_follows(
    breakers: Breakers, clock: Clock
) -> None:
    limit(breakers, 600)
    clock.now += LASTING_SECONDS
    assert [news.is_over for news in breakers.take_news()] == [False]
    clock.now += 600 + FORGOTTEN_AFTER_SECONDS
    assert [news.is_over for news in breakers.take_news()] == [True]


@pytest.mark.parametrize(
    ("seconds", "recalled"), [(RECALLED_AFTER_SECONDS - 1, 0), (RECALLED_AFTER_SECONDS, 1)]
)
def test_rows_come_back_after_an_outage_whether_it_was_told_or_not(
    breakers: Breakers, clock: Clock, seconds: float, recalled: int
) -> None:
    """After shorter outages all rows that fail now and then would be tried at once again."""
    half_open_it(breakers, clock)
    clock.now += seconds - 2
    breakers.succeeded(new_claim())
    assert breakers.take_news() == []
    assert breakers.take_recoveries() == [Recovery(HOST, seconds)] * recalled
    assert breakers.take_recoveries() == []


def test_a_rate_limit_has_put_no_row_off(breakers: Breakers, clock: Clock) -> None:
    limit(breakers, 60)
    clock.now += 60
    breakers.succeeded(new_claim())
    assert breakers.take_recoveries() == []
