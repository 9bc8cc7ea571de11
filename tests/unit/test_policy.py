"""What follows from each error: the contract's table of kinds, and the delays."""

import random

import pytest

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.policy import (
    BACKOFF_MAX_SECONDS,
    RETRY_AFTER_MAX_SECONDS,
    Decision,
    Fail,
    Release,
    Retry,
    backoff_seconds,
    decide,
)

PERMANENT = {
    "source_expired",
    "source_not_found",
    "source_blocked",
    "source_rejected",
    "image_too_large",
    "image_invalid",
    "storage_rejected",
}
DOUBTFUL = {"source_unauthorized", "source_forbidden"}
BLAMELESS = {"source_rate_limited", "storage_rate_limited", "storage_unauthorized"}


def decision(
    code: str,
    *,
    attempt: int = 1,
    max_attempts: int = 8,
    seconds_left: float | None = None,
    retry_after_seconds: float | None = None,
) -> Decision:
    error = AttemptError(ErrorCode(code), "", retry_after_seconds=retry_after_seconds)
    return decide(
        error,
        attempt=attempt,
        max_attempts=max_attempts,
        seconds_left=seconds_left,
        jitter=random.Random(7),
    )


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
def test_every_code_has_the_kind_of_the_contract_at_the_first_attempt(code: ErrorCode) -> None:
    expected = Fail if code in PERMANENT else Release if code in BLAMELESS else Retry
    assert type(decision(code)) is expected


@pytest.mark.parametrize("code", sorted(set(ErrorCode) - PERMANENT - BLAMELESS))
def test_the_last_attempt_fails_for_good(code: ErrorCode) -> None:
    assert isinstance(decision(code, attempt=2, max_attempts=3), Retry)
    assert decision(code, attempt=3, max_attempts=3) == Fail()


@pytest.mark.parametrize("code", sorted(DOUBTFUL))
def test_a_doubtful_error_gets_three_attempts_at_most(code: str) -> None:
    assert isinstance(decision(code, attempt=2, max_attempts=8), Retry)
    assert decision(code, attempt=3, max_attempts=8) == Fail()


@pytest.mark.parametrize("code", sorted(DOUBTFUL))
def test_a_doubtful_error_gets_no_more_attempts_than_the_row_has(code: str) -> None:
    assert decision(code, attempt=2, max_attempts=2) == Fail()


@pytest.mark.parametrize("code", sorted(BLAMELESS))
def test_a_blameless_error_releases_even_after_the_last_attempt(code: str) -> None:
    assert decision(code, attempt=8, max_attempts=8) == Release(30.0)


@pytest.mark.parametrize("code", sorted(BLAMELESS))
def test_a_blameless_error_rests_as_long_as_it_was_asked_to(code: str) -> None:
    assert decision(code, retry_after_seconds=7) == Release(7)
    assert decision(code, retry_after_seconds=0) == Release(0)
    assert decision(code, retry_after_seconds=1e9) == Release(RETRY_AFTER_MAX_SECONDS)


@pytest.mark.parametrize(
    ("attempt", "bound"),
    [(1, 2), (2, 6), (3, 18), (4, 54), (5, 162), (6, 486), (7, 1458), (8, 1800), (5000, 1800)],
)
def test_backoff_is_fully_jittered_below_a_growing_bound(attempt: int, bound: float) -> None:
    jitter = random.Random(1)
    delays = [backoff_seconds(attempt, jitter) for _ in range(400)]
    assert min(delays) >= 0
    assert max(delays) <= bound
    # Full jitter: the whole range is used, evenly.
    assert min(delays) < bound * 0.05
    assert max(delays) > bound * 0.95
    assert sum(delays) / len(delays) == pytest.approx(bound / 2, rel=0.1)


def test_the_longest_backoff_is_half_an_hour() -> None:
    assert BACKOFF_MAX_SECONDS == 1800


def test_a_retry_waits_at_least_as_long_as_it_was_asked_to() -> None:
    assert retry(retry_after_seconds=100).delay_seconds == 100


def test_a_longer_backoff_is_not_shortened_by_what_was_asked() -> None:
    unasked = retry(attempt=6).delay_seconds
    assert unasked > 5
    assert retry(attempt=6, retry_after_seconds=5).delay_seconds == unasked


def test_an_upstream_that_names_a_day_is_looked_at_again_within_an_hour() -> None:
    assert retry(retry_after_seconds=86_400).delay_seconds == RETRY_AFTER_MAX_SECONDS


def test_the_delay_is_shortened_to_leave_time_for_an_attempt_before_the_expiry() -> None:
    unhurried = retry(attempt=7).delay_seconds
    assert unhurried > 100
    assert retry(attempt=7, seconds_left=60).delay_seconds == 55


def test_a_distant_expiry_changes_nothing() -> None:
    assert retry(seconds_left=86_000) == retry(seconds_left=None)


@pytest.mark.parametrize("seconds_left", [5, 4.9, 0, -3])
def test_no_time_for_another_attempt_fails_at_once(seconds_left: float) -> None:
    assert decision("source_unavailable", seconds_left=seconds_left) == Fail()


def test_what_was_asked_outlasting_the_link_fails_at_once() -> None:
    decided = decision("source_unavailable", seconds_left=60, retry_after_seconds=56)
    assert decided == Fail()


def test_the_same_seed_makes_the_same_delay() -> None:
    assert retry() == retry()
