"""Upstreams that limit the rate or refuse the credentials."""

import pytest

from storyboard_worker.attempts.breaker import PROBES_AT_ONCE
from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from tests.support.attempts import HOST, new_claim, source_error, storage_error
from tests.support.clock import Clock


def limited(asked_seconds: float | None = None) -> AttemptError:
    return source_error(ErrorCode.SOURCE_RATE_LIMITED, retry_after_seconds=asked_seconds)


STORAGE_LIMITED = storage_error(ErrorCode.STORAGE_RATE_LIMITED)
REFUSED = storage_error(ErrorCode.STORAGE_UNAUTHORIZED)


@pytest.mark.parametrize(
    ("error", "upstream"),
    [(limited(), HOST), (STORAGE_LIMITED, STORAGE_UPSTREAM), (REFUSED, STORAGE_UPSTREAM)],
    ids=lambda value: str(getattr(value, "code", value)),
)
def test_one_row_is_enough_to_leave_its_upstream_alone(
    breakers: Breakers, error: AttemptError, upstream: str
) -> None:
    breakers.failed(new_claim(), error)
    assert breakers.paused_seconds() == {upstream: 30.0}
    assert not breakers.all_closed
    assert breakers.begun == 1


def test_a_rate_limit_ends_when_it_says_so_for_all_rows(breakers: Breakers, clock: Clock) -> None:
    breakers.failed(new_claim(), limited(7))
    assert breakers.seconds_until_change() == 7
    clock.now += 6.9
    assert breakers.shut_sources() == {HOST}
    assert breakers.probes_wanted(HOST) == 0
    clock.now += 0.1
    assert breakers.all_closed
    assert breakers.probes_wanted(HOST) == 0, "no row has to ask before the others"


def test_no_row_asks_within_a_rate_limit(breakers: Breakers, clock: Clock) -> None:
    breakers.failed(new_claim(), limited(60))
    breakers.row_arrived()
    clock.now += 10
    assert breakers.probes_wanted(HOST) == 0


def test_an_error_of_the_first_row_after_it_counts_as_one_of_five(
    breakers: Breakers, clock: Clock
) -> None:
    breakers.failed(new_claim(), limited(7))
    clock.now += 7
    for _ in range(4):
        breakers.started(row := new_claim())
        breakers.failed(row, source_error())
    assert breakers.all_closed
    breakers.failed(new_claim(), source_error())
    assert breakers.paused_seconds() == {HOST: 2.0}


def test_attempts_under_way_do_not_end_it(breakers: Breakers) -> None:
    breakers.failed(new_claim(), limited(600))
    breakers.succeeded(new_claim())
    breakers.failed(new_claim(), source_error(ErrorCode.SOURCE_NOT_FOUND))
    breakers.failed(new_claim(), storage_error(ErrorCode.STORAGE_REJECTED))
    assert breakers.paused_seconds() == {HOST: 600}


def test_attempts_under_way_do_not_shorten_it(breakers: Breakers) -> None:
    breakers.failed(new_claim(), limited(600))
    breakers.failed(new_claim(), limited(1))
    assert breakers.paused_seconds() == {HOST: 600}


def test_a_probe_that_is_limited_shows_that_the_upstream_is_there(
    breakers: Breakers, clock: Clock
) -> None:
    for _ in range(5):
        breakers.failed(new_claim(), source_error())
    clock.now += 2
    assert breakers.probes_wanted(HOST) == PROBES_AT_ONCE
    breakers.started(probe := new_claim())
    breakers.failed(probe, limited(7))
    assert breakers.paused_seconds() == {HOST: 7}
    clock.now += 7
    assert breakers.all_closed


def test_an_upstream_that_asks_for_no_time_is_asked_ever_more_rarely(
    breakers: Breakers, clock: Clock
) -> None:
    lengths = []
    for _ in range(7):
        breakers.failed(new_claim(), limited(0))
        lengths.append(breakers.paused_seconds()[HOST])
        clock.now += lengths[-1]
    assert lengths == [1, 2, 4, 8, 16, 30, 30]


def test_a_good_answer_resets_that(breakers: Breakers, clock: Clock) -> None:
    for _ in range(5):
        breakers.failed(new_claim(), limited(0))
        clock.now += breakers.paused_seconds()[HOST]
    breakers.succeeded(new_claim())
    breakers.failed(new_claim(), limited(0))
    assert breakers.paused_seconds() == {HOST: 1.0}


def test_refused_credentials_are_tried_again_by_probes(breakers: Breakers, clock: Clock) -> None:
    lengths = []
    breakers.failed(new_claim(), REFUSED)
    for _ in range(4):
        lengths.append(breakers.paused_seconds()[STORAGE_UPSTREAM])
        clock.now += lengths[-1]
        assert breakers.probes_wanted(STORAGE_UPSTREAM) == PROBES_AT_ONCE
        probes = [new_claim() for _ in range(PROBES_AT_ONCE)]
        for probe in probes:
            breakers.started(probe)
        for probe in probes:
            breakers.failed(probe, REFUSED)
    assert lengths == [30, 60, 60, 60]
    assert breakers.begun == 1


def test_all_attempts_under_way_that_are_refused_make_one_pause(breakers: Breakers) -> None:
    for _ in range(16):
        breakers.failed(new_claim(), REFUSED)
    assert breakers.paused_seconds() == {STORAGE_UPSTREAM: 30.0}
    assert breakers.begun == 1
