"""After a pause one attempt probes the upstream, and decides."""

import pytest

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.pauses import Pauses
from tests.unit.clock import Clock

HOST = "images.example.com"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pauses(clock: Clock) -> Pauses:
    return Pauses(clock)


def error(code: ErrorCode, upstream: str | None, retry_after: float | None = None) -> AttemptError:
    return AttemptError(code, "", upstream=upstream, retry_after_seconds=retry_after)


SOURCE_DOWN = error(ErrorCode.SOURCE_UNAVAILABLE, HOST)
STORAGE_DOWN = error(ErrorCode.STORAGE_UNAVAILABLE, STORAGE_UPSTREAM)


def bring_down(pauses: Pauses, clock: Clock, down: AttemptError) -> None:
    """Down, and its pause already over."""
    for _ in range(5):
        pauses.failed(HOST, down)
    clock.now += 30


def test_during_the_pause_nothing_probes(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses, clock, SOURCE_DOWN)
    clock.now -= 0.5
    assert pauses.hosts_to_probe() == []
    assert pauses.hosts_to_avoid() == {HOST}


def test_a_host_is_probed_by_one_attempt_at_a_time(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses, clock, SOURCE_DOWN)
    assert pauses.hosts_to_probe() == [HOST]
    pauses.start_probe(HOST)
    assert pauses.hosts_to_probe() == []
    assert pauses.hosts_to_avoid() == {HOST}


def test_a_good_probe_opens_the_host(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses, clock, SOURCE_DOWN)
    pauses.start_probe(HOST)
    pauses.succeeded(HOST)
    assert pauses.hosts_to_avoid() == set()
    assert pauses.hosts_to_probe() == []


@pytest.mark.parametrize(
    "inconclusive",
    [error(ErrorCode.ATTEMPT_TIMEOUT, HOST), error(ErrorCode.UNEXPECTED, None)],
    ids=["attempt_timeout", "unexpected"],
)
def test_an_inconclusive_probe_is_followed_by_another(
    pauses: Pauses, clock: Clock, inconclusive: AttemptError
) -> None:
    bring_down(pauses, clock, SOURCE_DOWN)
    pauses.start_probe(HOST)
    pauses.failed(HOST, inconclusive)
    assert pauses.hosts_to_probe() == [HOST]
    assert pauses.hosts_to_avoid() == {HOST}


def test_an_abandoned_probe_is_followed_by_another(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses, clock, SOURCE_DOWN)
    pauses.start_probe(HOST)
    pauses.abandoned(HOST)
    assert pauses.hosts_to_probe() == [HOST]


def test_a_host_without_rows_opens_on_probation(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses, clock, SOURCE_DOWN)
    pauses.nothing_to_probe(HOST)
    assert pauses.hosts_to_avoid() == set()
    # One failure is enough now, and the pause goes on growing; it is still the same trouble.
    assert pauses.failed(HOST, SOURCE_DOWN) is None
    assert pauses.paused_seconds() == {HOST: 60.0}


def test_a_host_that_fails_again_long_after_it_was_opened_is_another_trouble(
    pauses: Pauses, clock: Clock
) -> None:
    bring_down(pauses, clock, SOURCE_DOWN)
    pauses.nothing_to_probe(HOST)
    clock.now += 3600
    assert pauses.failed(HOST, SOURCE_DOWN) == 60.0
    assert pauses.begun == 2
    assert pauses.lasting_seconds() == {HOST: 0.0}


def test_starting_a_probe_where_nothing_is_paused_changes_nothing(pauses: Pauses) -> None:
    pauses.start_probe(STORAGE_UPSTREAM)
    assert pauses.storage_allows(16) == 16


def test_storage_allows_all_then_none_then_one(pauses: Pauses, clock: Clock) -> None:
    assert pauses.storage_allows(16) == 16
    bring_down(pauses, clock, STORAGE_DOWN)
    assert pauses.storage_allows(16) == 1
    assert pauses.storage_allows(0) == 0
    clock.now -= 0.5
    assert pauses.storage_allows(16) == 0


def test_storage_is_probed_by_one_attempt_at_a_time(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses, clock, STORAGE_DOWN)
    pauses.start_probe(STORAGE_UPSTREAM)
    assert pauses.storage_allows(16) == 0
    pauses.succeeded(HOST)
    assert pauses.storage_allows(16) == 16


def test_storage_that_fails_its_probe_is_paused_for_longer(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses, clock, STORAGE_DOWN)
    pauses.start_probe(STORAGE_UPSTREAM)
    assert pauses.failed(HOST, STORAGE_DOWN) is None
    assert pauses.paused_seconds() == {STORAGE_UPSTREAM: 60.0}


def test_a_probe_of_storage_that_died_at_its_source_told_nothing(
    pauses: Pauses, clock: Clock
) -> None:
    bring_down(pauses, clock, STORAGE_DOWN)
    pauses.start_probe(STORAGE_UPSTREAM)
    pauses.failed(HOST, error(ErrorCode.SOURCE_NOT_FOUND, HOST))
    assert pauses.storage_allows(16) == 1


def test_any_answer_of_storage_opens_it(pauses: Pauses, clock: Clock) -> None:
    bring_down(pauses, clock, STORAGE_DOWN)
    pauses.start_probe(STORAGE_UPSTREAM)
    pauses.failed(HOST, error(ErrorCode.STORAGE_REJECTED, STORAGE_UPSTREAM))
    assert pauses.storage_allows(16) == 16


@pytest.mark.parametrize(
    ("code", "upstream"),
    [
        (ErrorCode.SOURCE_RATE_LIMITED, HOST),
        (ErrorCode.STORAGE_RATE_LIMITED, STORAGE_UPSTREAM),
        (ErrorCode.STORAGE_UNAUTHORIZED, STORAGE_UPSTREAM),
    ],
)
def test_one_blameless_error_pauses_its_upstream(
    pauses: Pauses, code: ErrorCode, upstream: str
) -> None:
    assert pauses.failed(HOST, error(code, upstream)) == 30.0
    assert pauses.paused_seconds() == {upstream: 30.0}


def test_a_rate_limit_pauses_for_as_long_as_it_asks(pauses: Pauses, clock: Clock) -> None:
    limited = error(ErrorCode.SOURCE_RATE_LIMITED, HOST, retry_after=7)
    assert pauses.failed(HOST, limited) == 7
    clock.now += 7
    pauses.start_probe(HOST)
    assert pauses.failed(HOST, limited) is None
    assert pauses.paused_seconds() == {HOST: 7}


@pytest.mark.parametrize(
    ("upstream", "down"), [(STORAGE_UPSTREAM, STORAGE_DOWN), (HOST, SOURCE_DOWN)]
)
def test_an_attempt_that_was_claimed_while_the_pause_began_is_no_probe(
    pauses: Pauses, clock: Clock, upstream: str, down: AttemptError
) -> None:
    """Else a good end of it, which ends no pause, would leave the upstream for ever to a probe
    that nobody makes."""
    bring_down(pauses, clock, down)
    clock.now -= 30
    pauses.start_probe(upstream)
    pauses.succeeded(HOST)
    assert pauses.paused_seconds() == {upstream: 30.0}
    clock.now += 30
    assert pauses.seconds_until_probe() is not None
    assert pauses.hosts_to_probe() == [upstream] * (upstream == HOST)
    assert pauses.storage_allows(16) == (1 if upstream == STORAGE_UPSTREAM else 16)
