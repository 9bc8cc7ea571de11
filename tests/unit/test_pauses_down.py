"""An upstream that is down for everybody: when its pause begins, how long it lasts."""

import pytest

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.pauses import MOST_TROUBLES, SOONEST_PROBE_SECONDS, Pauses
from tests.unit.clock import Clock

HOST = "images.example.com"
OTHER = "other.example.com"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pauses(clock: Clock) -> Pauses:
    return Pauses(clock)


def source_down(code: ErrorCode = ErrorCode.SOURCE_UNAVAILABLE, host: str = HOST) -> AttemptError:
    return AttemptError(code, "", upstream=host)


STORAGE_DOWN = AttemptError(ErrorCode.STORAGE_UNAVAILABLE, "", upstream="cloudinary")


def bring_down(pauses: Pauses, host: str = HOST) -> list[float | None]:
    return [pauses.failed(host, source_down(host=host)) for _ in range(5)]


def probe_fails(pauses: Pauses) -> float | None:
    pauses.start_probe(HOST)
    return pauses.failed(HOST, source_down())


def test_the_fifth_failure_in_a_row_begins_a_pause_of_30_seconds(pauses: Pauses) -> None:
    assert bring_down(pauses) == [None, None, None, None, 30.0]
    assert pauses.paused_seconds() == {HOST: 30.0}
    assert pauses.hosts_to_avoid() == {HOST}


def test_unavailable_and_time_outs_count_together(pauses: Pauses) -> None:
    codes = [ErrorCode.SOURCE_UNAVAILABLE, ErrorCode.SOURCE_TIMEOUT]
    begun = [pauses.failed(HOST, source_down(codes[n % 2])) for n in range(5)]
    assert begun[-1] == 30.0


def test_storage_is_paused_after_five_failures_whatever_the_hosts(pauses: Pauses) -> None:
    begun = [pauses.failed(f"host{n}.example", STORAGE_DOWN) for n in range(5)]
    assert begun == [None, None, None, None, 30.0]
    assert pauses.paused_seconds() == {"cloudinary": 30.0}
    assert pauses.hosts_to_avoid() == set()


def test_hosts_are_counted_apart(pauses: Pauses) -> None:
    for n in range(8):
        assert pauses.failed((HOST, OTHER)[n % 2], source_down(host=(HOST, OTHER)[n % 2])) is None
    assert pauses.paused_seconds() == {}


def test_a_success_between_starts_the_count_again(pauses: Pauses) -> None:
    for _ in range(4):
        pauses.failed(HOST, source_down())
    pauses.succeeded(HOST)
    assert bring_down(pauses) == [None, None, None, None, 30.0]


@pytest.mark.parametrize(
    "code", [ErrorCode.SOURCE_NOT_FOUND, ErrorCode.SOURCE_FORBIDDEN, ErrorCode.IMAGE_INVALID]
)
def test_any_answer_of_the_source_shows_that_it_is_there(pauses: Pauses, code: ErrorCode) -> None:
    for _ in range(4):
        pauses.failed(HOST, source_down())
    pauses.failed(HOST, source_down(code))
    assert pauses.failed(HOST, source_down()) is None
    assert pauses.paused_seconds() == {}


def test_a_failure_of_storage_shows_that_the_source_is_there(pauses: Pauses) -> None:
    for _ in range(4):
        pauses.failed(HOST, source_down())
    pauses.failed(HOST, STORAGE_DOWN)
    assert pauses.failed(HOST, source_down()) is None


@pytest.mark.parametrize("code", [ErrorCode.ATTEMPT_TIMEOUT, ErrorCode.UNEXPECTED])
def test_errors_that_tell_nothing_do_not_change_the_count(pauses: Pauses, code: ErrorCode) -> None:
    for _ in range(4):
        pauses.failed(HOST, source_down())
    upstream = HOST if code is ErrorCode.ATTEMPT_TIMEOUT else None
    assert pauses.failed(HOST, AttemptError(code, "", upstream=upstream)) is None
    assert pauses.failed(HOST, source_down()) == 30.0


def test_failures_of_what_was_under_way_do_not_prolong_the_pause(
    pauses: Pauses, clock: Clock
) -> None:
    bring_down(pauses)
    clock.now += 20
    assert [pauses.failed(HOST, source_down()) for _ in range(11)] == [None] * 11
    assert pauses.paused_seconds() == {HOST: 10.0}


def test_late_failures_after_the_pause_leave_the_probe_due(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses)
    clock.now += 30
    pauses.failed(HOST, source_down())
    assert pauses.hosts_to_probe() == [HOST]


def test_each_failed_probe_doubles_the_pause_up_to_five_minutes(
    pauses: Pauses, clock: Clock
) -> None:
    bring_down(pauses)
    lengths = []
    for _ in range(5):
        clock.now += 1000
        probe_fails(pauses)
        lengths.append(pauses.paused_seconds()[HOST])
    assert lengths == [60, 120, 240, 300, 300]


def test_a_pause_that_goes_on_is_not_told_again(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses)
    clock.now += 30
    assert probe_fails(pauses) is None


def test_after_a_success_the_next_pause_is_short_again(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses)
    clock.now += 30
    probe_fails(pauses)
    clock.now += 60
    pauses.start_probe(HOST)
    pauses.succeeded(HOST)
    assert pauses.hosts_to_avoid() == set()
    assert bring_down(pauses)[-1] == 30.0


def test_seconds_until_probe_is_the_shortest_remaining_pause(pauses: Pauses, clock: Clock) -> None:
    assert pauses.seconds_until_probe() is None
    bring_down(pauses)
    clock.now += 10
    bring_down(pauses, OTHER)
    assert pauses.seconds_until_probe() == 20.0
    clock.now += 30
    assert pauses.seconds_until_probe() == SOONEST_PROBE_SECONDS
    pauses.start_probe(HOST)
    pauses.start_probe(OTHER)
    assert pauses.seconds_until_probe() is None


def test_hosts_that_fail_now_and_then_are_not_kept_for_ever(pauses: Pauses) -> None:
    for number in range(3000):
        pauses.failed(f"host-{number}.example", AttemptError(ErrorCode.SOURCE_UNAVAILABLE, "no"))
    assert len(pauses._troubles) <= MOST_TROUBLES + 1
