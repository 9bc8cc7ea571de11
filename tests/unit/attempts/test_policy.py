"""The consequence of each error: the contract's table of kinds, and the delays."""

import random

import pytest

from storyboard_worker.attempts.policy import (
    BACKOFF_MAX_SECONDS,
    RETRY_AFTER_MAX_SECONDS,
    Decision,
    Fail,
    Kind,
    Release,
    Retry,
    Tried,
    backoff_seconds,
    decide,
    kind_of,
)
from storyboard_worker.errors import AttemptError, ErrorCode, Resource, ResourceExhausted

KINDS = {
    Kind.PERMANENT: {
        "source_expired",
        "source_blocked",
        "source_rejected",
        "image_too_large",
        "image_invalid",
        "storage_rejected",
    },
    Kind.DOUBTFUL: {"source_unauthorized", "source_forbidden", "source_not_found"},
    Kind.OWN: {
        "image_truncated",
        "storage_mismatch",
        "attempt_timeout",
        "worker_lost",
        "unexpected",
    },
    Kind.UPSTREAM: {"source_unavailable", "source_timeout", "storage_unavailable"},
    Kind.BLAMELESS: {"source_rate_limited", "storage_rate_limited", "storage_unauthorized"},
}
REFUSED = ["source_unauthorized", "source_forbidden"]
LIFE_SECONDS = 86_400.0


def decision(
    code: str,
    *,
    attempt: int = 1,
    own_errors: int = 0,
    max_attempts: int | None = None,
    seconds_left: float | None = None,
    retry_after_seconds: float | None = None,
    http_status: int | None = None,
) -> Decision:
    error = AttemptError(
        ErrorCode(code), "", retry_after_seconds=retry_after_seconds, http_status=http_status
    )
    tried = Tried(attempt, own_errors, max_attempts, max_own_errors=8)
    return decide(error, tried, seconds_left=seconds_left, jitter=random.Random(7))


def retry(
    *,
    attempt: int = 1,
    seconds_left: float | None = None,
    retry_after_seconds: float | None = None,
) -> Retry:
    decided = decision(
        "source_unavailable",
        attempt=attempt,
        seconds_left=seconds_left,
        retry_after_seconds=retry_after_seconds,
    )
    assert isinstance(decided, Retry)
    return decided


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_the_kind_of_the_contract(code: ErrorCode) -> None:
    [kind] = [kind for kind, codes in KINDS.items() if code in codes]
    assert kind_of(AttemptError(code, "")) is kind
    expected = {Kind.PERMANENT: Fail, Kind.BLAMELESS: Release}.get(kind, Retry)
    assert type(decision(code)) is expected


def test_a_410_is_not_doubted() -> None:
    assert decision("source_not_found", http_status=410) == Fail()
    assert isinstance(decision("source_not_found", http_status=404), Retry)


@pytest.mark.parametrize("kind", [Kind.DOUBTFUL, Kind.OWN, Kind.UPSTREAM])
def test_the_rows_own_limit_ends_it_whatever_the_kind(kind: Kind) -> None:
    for code in sorted(KINDS[kind]):
        assert isinstance(decision(code, attempt=1, max_attempts=2), Retry)
        assert decision(code, attempt=2, max_attempts=2) == Fail()


@pytest.mark.parametrize("code", sorted(KINDS[Kind.OWN]))
def test_a_row_ends_after_so_many_errors_of_its_own_in_any_number_of_attempts(code: str) -> None:
    for attempt in (7, 500):
        decided = decision(code, attempt=attempt, own_errors=6)
        assert isinstance(decided, Retry)
        assert decided.own_error
        assert decision(code, attempt=attempt, own_errors=7) == Fail()


@pytest.mark.parametrize("code", sorted(KINDS[Kind.OWN]))
def test_a_rows_own_limit_takes_the_place_of_the_setting(code: str) -> None:
    assert decision(code, attempt=9, own_errors=8, max_attempts=20) != Fail()


@pytest.mark.parametrize("code", sorted(KINDS[Kind.UPSTREAM]))
def test_an_outage_is_borne_until_the_link_dies(code: str) -> None:
    for attempt in (1, 8, 500):
        decided = decision(code, attempt=attempt, own_errors=7, seconds_left=6)
        assert isinstance(decided, Retry)
        assert not decided.own_error
    assert decision(code, attempt=500, seconds_left=5) == Fail()


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_gets_three_attempts_at_most(code: str) -> None:
    decided = decision(code, attempt=40, own_errors=1)
    assert isinstance(decided, Retry)
    assert decided.own_error
    assert decision(code, attempt=40, own_errors=2) == Fail()


def test_a_404_gets_five_attempts_over_more_than_a_minute() -> None:
    waited_seconds = 0.0
    for own_errors in range(4):
        decided = decision("source_not_found", attempt=own_errors + 1, own_errors=own_errors)
        assert isinstance(decided, Retry)
        assert decided.own_error
        waited_seconds += decided.delay_seconds
    assert waited_seconds >= 60
    assert decision("source_not_found", attempt=5, own_errors=4) == Fail()


@pytest.mark.parametrize("code", sorted(KINDS[Kind.BLAMELESS]))
def test_a_blameless_error_always_releases(code: str) -> None:
    assert decision(code, attempt=8, own_errors=8, max_attempts=8) == Release(30.0)


@pytest.mark.parametrize("code", sorted(KINDS[Kind.BLAMELESS]))
def test_a_blameless_error_rests_as_long_as_the_upstream_asked(code: str) -> None:
    assert decision(code, retry_after_seconds=7) == Release(7)
    assert decision(code, retry_after_seconds=0) == Release(0)
    assert decision(code, retry_after_seconds=1e9) == Release(RETRY_AFTER_MAX_SECONDS)


@pytest.mark.parametrize(
    ("attempt", "bound"),
    [(1, 2), (2, 6), (3, 18), (4, 54), (5, 162), (6, 486), (7, 600), (8, 600), (5000, 600)],
)
def test_backoff_is_fully_jittered_below_a_growing_bound(attempt: int, bound: float) -> None:
    jitter = random.Random(1)
    delays = [backoff_seconds(attempt, jitter) for _ in range(400)]
    assert min(delays) >= 0
    assert max(delays) <= bound
    # The full jitter uses the whole range evenly.
    assert min(delays) < bound * 0.05
    assert max(delays) > bound * 0.95
    assert sum(delays) / len(delays) == pytest.approx(bound / 2, rel=0.1)


def test_the_longest_backoff_is_ten_minutes() -> None:
    assert BACKOFF_MAX_SECONDS == 600


def test_a_retry_waits_at_least_as_long_as_it_was_asked_to() -> None:
    assert retry(retry_after_seconds=100).delay_seconds == 100


def test_a_longer_backoff_is_not_shortened_by_retry_after() -> None:
    unasked = retry(attempt=6).delay_seconds
    assert unasked > 5
    assert retry(attempt=6, retry_after_seconds=5).delay_seconds == unasked


@pytest.mark.parametrize("asked_seconds", [3600, 86_400, 1e9])
def test_an_upstream_that_names_an_hour_is_looked_at_again_within_ten_minutes(
    asked_seconds: float,
) -> None:
    assert retry(retry_after_seconds=asked_seconds).delay_seconds == BACKOFF_MAX_SECONDS


def test_the_delay_is_shortened_to_leave_time_for_an_attempt_before_the_expiry() -> None:
    unhurried = retry(attempt=7).delay_seconds
    assert unhurried > 100
    assert retry(attempt=7, seconds_left=60).delay_seconds == 55


def test_a_distant_expiry_changes_nothing() -> None:
    assert retry(seconds_left=LIFE_SECONDS) == retry(seconds_left=None)


@pytest.mark.parametrize("seconds_left", [5, 4.9, 0, -3])
def test_no_time_for_another_attempt_fails_at_once(seconds_left: float) -> None:
    for kind in (Kind.DOUBTFUL, Kind.OWN, Kind.UPSTREAM):
        for code in sorted(KINDS[kind]):
            assert decision(code, seconds_left=seconds_left) == Fail()


@pytest.mark.parametrize("asked_seconds", [56, 3600])
def test_what_was_asked_outlasting_the_link_leaves_time_for_an_attempt(
    asked_seconds: float,
) -> None:
    """An outage is sat out until the link dies, and may be over before it was said to be."""
    for code in sorted(KINDS[Kind.UPSTREAM]):
        decided = decision(code, seconds_left=60, retry_after_seconds=asked_seconds)
        assert decided == Retry(55)


def test_the_same_seed_makes_the_same_delay() -> None:
    assert retry() == retry()


@pytest.mark.parametrize(
    ("asked_seconds", "seconds_left", "delay_seconds"),
    [(5.0, None, 5.0), (60.0, 86_400.0, 60.0), (60.0, 40.0, 35.0), (60.0, 3.0, 0.0)],
)
def test_a_lack_of_our_own_uses_up_no_attempt_and_no_life(
    asked_seconds: float, seconds_left: float | None, delay_seconds: float
) -> None:
    error = ResourceExhausted(Resource.SPOOL, "full")
    error.retry_after_seconds = asked_seconds
    last = Tried(8, 7, 8, max_own_errors=8)
    decided = decide(error, last, seconds_left=seconds_left, jitter=random.Random(7))
    assert decided == Release(delay_seconds)
    assert kind_of(error) is Kind.OUR_LACK
