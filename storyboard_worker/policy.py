"""What follows from an error: another attempt, failure, or release. Pure decisions.

The kinds are the contract's table: permanent errors fail the row at once, doubtful ones
after three attempts, transient ones when the attempts or the link's life run out; blameless
ones are not the row's fault and use up no attempt.
"""

import random
from dataclasses import dataclass
from enum import Enum, auto

from storyboard_worker.errors import AttemptError, ErrorCode

DOUBTFUL_MAX_ATTEMPTS = 3
BACKOFF_BASE_SECONDS = 2.0
BACKOFF_FACTOR = 3.0
BACKOFF_MAX_SECONDS = 1800.0
# An upstream that names a day does not take the row's whole life: we look again after this.
RETRY_AFTER_MAX_SECONDS = 3600.0
BLAMELESS_PAUSE_SECONDS = 30.0
# What an attempt needs at least; with less left of the link's life there is none to make.
SHORTEST_ATTEMPT_SECONDS = 5.0


class Kind(Enum):
    """What an error says about the chance of another attempt."""

    PERMANENT = auto()
    DOUBTFUL = auto()
    TRANSIENT = auto()
    BLAMELESS = auto()


_KINDS = {
    ErrorCode.SOURCE_EXPIRED: Kind.PERMANENT,
    ErrorCode.SOURCE_NOT_FOUND: Kind.PERMANENT,
    ErrorCode.SOURCE_BLOCKED: Kind.PERMANENT,
    ErrorCode.SOURCE_REJECTED: Kind.PERMANENT,
    ErrorCode.IMAGE_TOO_LARGE: Kind.PERMANENT,
    ErrorCode.IMAGE_INVALID: Kind.PERMANENT,
    ErrorCode.STORAGE_REJECTED: Kind.PERMANENT,
    ErrorCode.SOURCE_UNAUTHORIZED: Kind.DOUBTFUL,
    ErrorCode.SOURCE_FORBIDDEN: Kind.DOUBTFUL,
    ErrorCode.SOURCE_RATE_LIMITED: Kind.BLAMELESS,
    ErrorCode.STORAGE_RATE_LIMITED: Kind.BLAMELESS,
    ErrorCode.STORAGE_UNAUTHORIZED: Kind.BLAMELESS,
}


def kind_of(code: ErrorCode) -> Kind:
    return _KINDS.get(code, Kind.TRANSIENT)


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt after ``delay_seconds``; this one stays counted."""

    delay_seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """No further attempt."""


@dataclass(frozen=True, slots=True)
class Release:
    """The attempt is given back; the row, and its upstream, rest for ``delay_seconds``."""

    delay_seconds: float


Decision = Retry | Fail | Release


def decide(
    error: AttemptError,
    *,
    attempt: int,
    max_attempts: int,
    seconds_left: float | None,
    jitter: random.Random,
) -> Decision:
    """What to do after ``attempt`` (counted from 1) ended with ``error``.

    ``seconds_left``: until the link dies, by the database's clock; ``None`` if unknown.
    """
    kind = kind_of(error.code)
    if kind is Kind.BLAMELESS:
        return Release(pause_seconds(error))
    limit = min(max_attempts, DOUBTFUL_MAX_ATTEMPTS) if kind is Kind.DOUBTFUL else max_attempts
    if kind is Kind.PERMANENT or attempt >= limit:
        return Fail()
    return _retry_in_time(error, backoff_seconds(attempt, jitter), seconds_left)


def _retry_in_time(error: AttemptError, backoff: float, seconds_left: float | None) -> Decision:
    asked = min(error.retry_after_seconds or 0.0, RETRY_AFTER_MAX_SECONDS)
    delay = max(backoff, asked)
    if seconds_left is None:
        return Retry(delay)
    latest = seconds_left - SHORTEST_ATTEMPT_SECONDS
    if latest < asked or latest <= 0:
        return Fail()
    # Backoff is our own choice: rather early than after the link's death.
    return Retry(min(delay, latest))


def backoff_seconds(attempt: int, jitter: random.Random) -> float:
    """Exponential with full jitter: uniform between 0 and a bound that grows threefold.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    exponent = min(attempt - 1, 16)  # far past the maximum, well before an overflow
    bound = min(BACKOFF_MAX_SECONDS, BACKOFF_BASE_SECONDS * BACKOFF_FACTOR**exponent)
    return jitter.uniform(0, bound)


def pause_seconds(error: AttemptError) -> float:
    """How long a blameless error keeps us away from its upstream."""
    asked = error.retry_after_seconds
    return BLAMELESS_PAUSE_SECONDS if asked is None else min(asked, RETRY_AFTER_MAX_SECONDS)
