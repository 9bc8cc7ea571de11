"""A half-open breaker lets a few rows ask, and their findings decide."""

import pytest

from storyboard_worker.attempts.breaker import (
    LONGEST_PAUSE_SECONDS,
    NEXT_PROBE_SECONDS,
    PROBES_AT_ONCE,
)
from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.storyboard import Claim
from tests.support.attempts import HOST, new_claim, source_error, storage_error
from tests.support.clock import Clock

UPSTREAMS = [HOST, STORAGE_UPSTREAM]
SILENT_ERRORS = [
    source_error(ErrorCode.ATTEMPT_TIMEOUT),
    AttemptError(ErrorCode.UNEXPECTED, "a bug"),
]


def down(upstream: str) -> AttemptError:
    return storage_error() if upstream == STORAGE_UPSTREAM else source_error()


def open_it(breakers: Breakers, upstream: str = HOST) -> None:
    for _ in range(5):
        breakers.failed(new_claim(), down(upstream))


def half_open_it(breakers: Breakers, clock: Clock, upstream: str = HOST) -> None:
    open_it(breakers, upstream)
    clock.now += breakers.paused_seconds()[upstream]


def start_probes(breakers: Breakers, upstream: str = HOST) -> list[Claim]:
    """Begin as many probes as are wanted."""
    probes = [new_claim() for _ in range(breakers.probes_wanted(upstream))]
    for probe in probes:
        breakers.started(probe)
    return probes


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_during_the_pause_nothing_asks(breakers: Breakers, clock: Clock, upstream: str) -> None:
    open_it(breakers, upstream)
    clock.now += 1.9
    assert breakers.probes_wanted(upstream) == 0
    assert not breakers.is_half_open(upstream)
    clock.now += 0.1
    assert breakers.probes_wanted(upstream) == PROBES_AT_ONCE
    assert breakers.is_half_open(upstream)
    assert not breakers.all_closed


def test_where_nothing_is_shut_no_probe_is_wanted(breakers: Breakers) -> None:
    breakers.started(new_claim())
    assert [breakers.probes_wanted(upstream) for upstream in UPSTREAMS] == [0, 0]
    assert breakers.all_closed


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_few_ask_at_once(breakers: Breakers, clock: Clock, upstream: str) -> None:
    half_open_it(breakers, clock, upstream)
    assert len(start_probes(breakers, upstream)) == PROBES_AT_ONCE
    assert breakers.probes_wanted(upstream) == 0


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_one_good_answer_closes_it_for_all(breakers: Breakers, clock: Clock, upstream: str) -> None:
    half_open_it(breakers, clock, upstream)
    bad, good, _hanging = start_probes(breakers, upstream)
    breakers.failed(bad, down(upstream))
    breakers.succeeded(good)
    assert breakers.all_closed
    assert breakers.probes_wanted(upstream) == 0


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_it_opens_again_when_all_of_them_have_failed(
    breakers: Breakers, clock: Clock, upstream: str
) -> None:
    half_open_it(breakers, clock, upstream)
    first, *others = start_probes(breakers, upstream)
    breakers.failed(first, down(upstream))
    assert breakers.is_half_open(upstream)
    for probe in others:
        breakers.failed(probe, down(upstream))
    assert breakers.paused_seconds() == {upstream: 4.0}
    assert not breakers.is_half_open(upstream)


def test_any_answer_of_storage_closes_it(breakers: Breakers, clock: Clock) -> None:
    half_open_it(breakers, clock, STORAGE_UPSTREAM)
    probe, *_ = start_probes(breakers, STORAGE_UPSTREAM)
    breakers.failed(probe, storage_error(ErrorCode.STORAGE_REJECTED))
    assert breakers.all_closed


def test_a_row_that_was_no_probe_does_not_open_it_again(breakers: Breakers, clock: Clock) -> None:
    half_open_it(breakers, clock)
    [probe, *others] = start_probes(breakers)
    for row in [*others, new_claim()]:
        breakers.failed(row, source_error())
    assert breakers.is_half_open(HOST), "one probe has still to tell"
    breakers.failed(probe, source_error())
    assert not breakers.is_half_open(HOST)


def test_while_the_probes_hang_more_follow_ever_more_rarely(
    breakers: Breakers, clock: Clock
) -> None:
    half_open_it(breakers, clock)
    start_probes(breakers)
    for seconds in (NEXT_PROBE_SECONDS, 10, 20, 40, 60, 60):
        assert breakers.seconds_until_change() == seconds
        clock.now += seconds - 0.1
        assert start_probes(breakers) == []
        clock.now += 0.1
        assert len(start_probes(breakers)) == 1


def test_a_round_ends_when_the_first_have_failed_though_later_ones_hang(
    breakers: Breakers, clock: Clock
) -> None:
    """Where requests time out, another probe would otherwise always follow, without a pause."""
    half_open_it(breakers, clock)
    first = start_probes(breakers)
    clock.now += NEXT_PROBE_SECONDS
    [later] = start_probes(breakers)
    for probe in first:
        assert breakers.is_half_open(HOST)
        breakers.failed(probe, source_error(ErrorCode.SOURCE_TIMEOUT))
    assert breakers.paused_seconds() == {HOST: 4.0}
    breakers.failed(later, source_error(ErrorCode.SOURCE_TIMEOUT))
    assert breakers.paused_seconds() == {HOST: 4.0}


@pytest.mark.parametrize("error", [None, *SILENT_ERRORS], ids=["abandoned", "late", "bug"])
def test_another_probe_replaces_one_without_a_finding(
    breakers: Breakers, clock: Clock, error: AttemptError | None
) -> None:
    half_open_it(breakers, clock)
    probe, *_ = start_probes(breakers)
    if error is None:
        breakers.abandoned(probe)
    else:
        breakers.failed(probe, error)
    assert len(start_probes(breakers)) == 1
    assert start_probes(breakers) == []
    assert not breakers.all_closed


def test_a_probe_of_storage_that_ended_at_its_source_has_no_finding(
    breakers: Breakers, clock: Clock
) -> None:
    half_open_it(breakers, clock, STORAGE_UPSTREAM)
    probe, *_ = start_probes(breakers, STORAGE_UPSTREAM)
    breakers.failed(probe, source_error(ErrorCode.SOURCE_NOT_FOUND))
    assert breakers.storage_is_shut
    assert len(start_probes(breakers, STORAGE_UPSTREAM)) == 1


def test_without_rows_it_waits_for_one_and_asks_at_once(breakers: Breakers, clock: Clock) -> None:
    half_open_it(breakers, clock)
    for _ in range(2):
        assert breakers.probes_wanted(HOST) == PROBES_AT_ONCE
        assert breakers.seconds_until_change() is None, "there is nothing to wait for but a row"
        clock.now += 3600


def test_while_the_probes_hang_and_there_is_no_other_row_nobody_looks_without_pause(
    breakers: Breakers, clock: Clock
) -> None:
    half_open_it(breakers, clock)
    start_probes(breakers)
    clock.now += NEXT_PROBE_SECONDS
    for _ in range(3):
        assert breakers.probes_wanted(HOST) == 1
        breakers.no_row_found(HOST)
        assert breakers.seconds_until_change() == NEXT_PROBE_SECONDS
        assert breakers.probes_wanted(HOST) == 1, "a row that is there all the same may ask"
        clock.now += NEXT_PROBE_SECONDS


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_row_that_arrives_may_ask_within_the_pause(
    breakers: Breakers, clock: Clock, upstream: str
) -> None:
    half_open_it(breakers, clock, upstream)
    for probe in start_probes(breakers, upstream):
        breakers.failed(probe, down(upstream))
    breakers.row_arrived()
    assert breakers.probes_wanted(upstream) == 0, "others have just asked"
    clock.now += 2
    # The pause of 4 s ends before the 5 s since the last probe.
    assert breakers.seconds_until_change() == 2
    clock.now += 2
    for probe in start_probes(breakers, upstream):
        breakers.failed(probe, down(upstream))
    breakers.row_arrived()
    assert breakers.seconds_until_change() == NEXT_PROBE_SECONDS
    clock.now += NEXT_PROBE_SECONDS
    assert not breakers.is_half_open(upstream)
    [probe] = start_probes(breakers, upstream)
    assert start_probes(breakers, upstream) == []
    breakers.succeeded(probe)
    assert breakers.all_closed


def test_a_row_that_arrived_and_found_it_down_changes_no_pause(
    breakers: Breakers, clock: Clock
) -> None:
    open_it(breakers)
    breakers.row_arrived(HOST)
    clock.now += 0.5
    [probe] = start_probes(breakers)
    breakers.failed(probe, source_error())
    assert breakers.paused_seconds() == {HOST: 1.5}
    assert breakers.probes_wanted(HOST) == 0


def test_a_row_that_arrived_for_another_upstream_does_not_ask(breakers: Breakers) -> None:
    open_it(breakers)
    breakers.row_arrived("other.example")
    assert breakers.probes_wanted(HOST) == 0
    breakers.row_arrived(HOST)
    breakers.no_row_found(HOST)
    assert breakers.probes_wanted(HOST) == 0


def test_many_arrived_rows_that_hang_leave_the_next_round_its_probes(
    breakers: Breakers, clock: Clock
) -> None:
    """Otherwise no row would ask the upstream until they have ended."""
    breakers.failed(new_claim(), storage_error(ErrorCode.STORAGE_UNAUTHORIZED))
    for _ in range(PROBES_AT_ONCE + 2):
        breakers.row_arrived()
        clock.now += NEXT_PROBE_SECONDS
        assert len(start_probes(breakers, STORAGE_UPSTREAM)) == 1
    clock.now += breakers.paused_seconds()[STORAGE_UPSTREAM]
    assert breakers.probes_wanted(STORAGE_UPSTREAM) == 0
    assert 0 < (breakers.seconds_until_change() or 0) <= LONGEST_PAUSE_SECONDS
    clock.now += breakers.seconds_until_change() or 0
    assert breakers.probes_wanted(STORAGE_UPSTREAM) == 1


def test_while_storage_is_shut_the_sources_are_not_waited_for(
    breakers: Breakers, clock: Clock
) -> None:
    """Sources are not asked then, so their time would come again and again."""
    breakers.failed(new_claim(), storage_error(ErrorCode.STORAGE_UNAUTHORIZED))
    half_open_it(breakers, clock)
    assert breakers.seconds_until_change() == 28
