"""Several rows that find their upstream down open its breaker, for a bounded time."""

import pytest

from storyboard_worker.attempts.breaker import DOWN_AFTER_ROWS
from storyboard_worker.attempts.breakers import MOST_BREAKERS, Breakers
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from tests.support.attempts import HOST, new_claim, source_error, storage_error
from tests.support.clock import Clock

OTHER = "other.example"


def rows_find_it_down(breakers: Breakers, count: int = 5, upstream: str = HOST) -> None:
    for _ in range(count):
        breakers.failed(new_claim(upstream), source_error(upstream=upstream))


def probes_find_it_down(breakers: Breakers) -> None:
    probes = [new_claim() for _ in range(breakers.probes_wanted(HOST))]
    for probe in probes:
        breakers.started(probe)
    for probe in probes:
        breakers.failed(probe, source_error())


def test_the_fifth_row_opens_it_for_two_seconds(breakers: Breakers) -> None:
    rows_find_it_down(breakers, DOWN_AFTER_ROWS - 1)
    assert breakers.all_closed
    rows_find_it_down(breakers, 1)
    assert breakers.shut_sources() == {HOST}
    assert breakers.paused_seconds() == {HOST: 2.0}
    assert breakers.seconds_until_change() == 2.0


def test_the_same_row_again_and_again_does_not_count(breakers: Breakers) -> None:
    for row in [new_claim() for _ in range(DOWN_AFTER_ROWS - 1)]:
        for _ in range(20):
            breakers.failed(row, source_error())
    assert breakers.all_closed


def test_unavailable_and_time_outs_count_together(breakers: Breakers) -> None:
    for number in range(DOWN_AFTER_ROWS):
        code = (ErrorCode.SOURCE_UNAVAILABLE, ErrorCode.SOURCE_TIMEOUT)[number % 2]
        breakers.failed(new_claim(), source_error(code))
    assert breakers.shut_sources() == {HOST}


def test_storage_is_judged_whatever_the_sources(breakers: Breakers) -> None:
    for number in range(DOWN_AFTER_ROWS):
        breakers.failed(new_claim(f"host-{number}.example"), storage_error())
    assert breakers.storage_is_shut
    assert breakers.paused_seconds() == {STORAGE_UPSTREAM: 2.0}
    assert breakers.shut_sources() == set()


@pytest.mark.parametrize("other", [OTHER, f"{HOST}:8443"])
def test_hosts_and_ports_are_counted_apart(breakers: Breakers, other: str) -> None:
    for upstream in (HOST, other):
        rows_find_it_down(breakers, DOWN_AFTER_ROWS - 1, upstream)
    assert breakers.all_closed
    rows_find_it_down(breakers, 1, other)
    assert breakers.shut_sources() == {other}


def test_a_good_end_between_starts_the_count_again(breakers: Breakers) -> None:
    rows_find_it_down(breakers, DOWN_AFTER_ROWS - 1)
    breakers.succeeded(new_claim())
    rows_find_it_down(breakers, DOWN_AFTER_ROWS - 1)
    assert breakers.all_closed
    rows_find_it_down(breakers, 1)
    assert not breakers.all_closed


@pytest.mark.parametrize(
    "answer",
    [
        source_error(ErrorCode.SOURCE_NOT_FOUND),
        source_error(ErrorCode.SOURCE_FORBIDDEN),
        source_error(ErrorCode.IMAGE_INVALID),
        AttemptError(ErrorCode.SOURCE_EXPIRED, "no", upstream=HOST, http_status=403),
        storage_error(),
        storage_error(ErrorCode.STORAGE_REJECTED),
    ],
    ids=lambda error: str(error.code),
)
def test_any_answer_of_the_source_shows_that_it_is_there(
    breakers: Breakers, answer: AttemptError
) -> None:
    rows_find_it_down(breakers, DOWN_AFTER_ROWS - 1)
    breakers.failed(new_claim(), answer)
    rows_find_it_down(breakers, 1)
    assert breakers.all_closed


@pytest.mark.parametrize(
    "silent",
    [
        source_error(ErrorCode.ATTEMPT_TIMEOUT),
        AttemptError(ErrorCode.UNEXPECTED, "a bug"),
        # Without asking.
        source_error(ErrorCode.SOURCE_BLOCKED),
        source_error(ErrorCode.SOURCE_EXPIRED),
    ],
    ids=lambda error: str(error.code),
)
def test_an_end_without_a_finding_does_not_change_the_count(
    breakers: Breakers, silent: AttemptError
) -> None:
    rows_find_it_down(breakers, DOWN_AFTER_ROWS - 1)
    breakers.failed(new_claim(), silent)
    breakers.abandoned(new_claim())
    assert breakers.all_closed
    rows_find_it_down(breakers, 1)
    assert not breakers.all_closed


def test_a_link_that_is_refused_unasked_says_nothing_of_a_host_that_is_down(
    breakers: Breakers, clock: Clock
) -> None:
    rows_find_it_down(breakers)
    clock.now += 60
    breakers.failed(new_claim(), source_error(ErrorCode.SOURCE_BLOCKED))
    assert breakers.shut_sources() == {HOST}
    assert not breakers.take_recoveries()


def test_what_was_under_way_does_not_prolong_the_pause(breakers: Breakers, clock: Clock) -> None:
    rows_find_it_down(breakers)
    clock.now += 1.5
    rows_find_it_down(breakers, 11)
    assert breakers.paused_seconds() == {HOST: 0.5}
    clock.now += 0.5
    rows_find_it_down(breakers, 11)
    assert breakers.probes_wanted(HOST) > 0


def test_an_attempt_under_way_that_ends_well_closes_it(breakers: Breakers) -> None:
    rows_find_it_down(breakers)
    breakers.succeeded(new_claim())
    assert breakers.all_closed
    assert breakers.seconds_until_change() is None


def test_each_round_of_failed_probes_doubles_the_pause_up_to_a_minute(
    breakers: Breakers, clock: Clock
) -> None:
    rows_find_it_down(breakers)
    lengths = [breakers.paused_seconds()[HOST]]
    for _ in range(7):
        clock.now += lengths[-1]
        probes_find_it_down(breakers)
        lengths.append(breakers.paused_seconds()[HOST])
    assert lengths == [2, 4, 8, 16, 32, 60, 60, 60]
    assert breakers.begun == 1


def test_after_a_good_answer_the_next_pause_is_short_again(
    breakers: Breakers, clock: Clock
) -> None:
    rows_find_it_down(breakers)
    clock.now += 2
    probes_find_it_down(breakers)
    clock.now += 4
    breakers.started(probe := new_claim())
    breakers.succeeded(probe)
    rows_find_it_down(breakers)
    assert breakers.paused_seconds() == {HOST: 2.0}
    assert breakers.begun == 2


def test_the_soonest_end_of_several_pauses_is_waited_for(breakers: Breakers, clock: Clock) -> None:
    assert breakers.seconds_until_change() is None
    rows_find_it_down(breakers)
    clock.now += 0.5
    rows_find_it_down(breakers, upstream=OTHER)
    assert breakers.seconds_until_change() == 1.5


def test_hosts_that_fail_now_and_then_are_not_kept_for_ever(breakers: Breakers) -> None:
    rows_find_it_down(breakers)
    for number in range(3 * MOST_BREAKERS):
        rows_find_it_down(breakers, 1, f"host-{number}.example")
    assert len(breakers._breakers) <= MOST_BREAKERS + 1
    assert breakers.shut_sources() == {HOST}, "one that is open is kept"
