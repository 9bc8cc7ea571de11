"""What follows from an error: another attempt, failure, or release. Pure decisions.

The kinds are the contract's table. Permanent errors fail the row at once, doubtful ones after a
few attempts. A row's own errors end it after ``max_own_errors`` of them; those of an upstream are
sat out until the link dies. Blameless ones use up no attempt. A limit that the row sets for itself
counts all attempts, whatever their errors.
"""

import random
from dataclasses import dataclass
from enum import Enum, auto

from storyboard_worker.errors import AttemptError, ErrorCode, ResourceExhausted

HTTP_GONE = 410
DOUBTFUL_MAX_ATTEMPTS = 3
# A store may show a new object late: so many attempts, spread over a minute at least.
NOT_FOUND_MAX_ATTEMPTS = 5
NOT_FOUND_DELAYS_SECONDS = (5.0, 10.0, 20.0, 30.0)
BACKOFF_BASE_SECONDS = 2.0
BACKOFF_FACTOR = 3.0
BACKOFF_MAX_SECONDS = 600.0
# One that limits our rate and names a day does not take the rows' whole life: we look again after
# this.
RETRY_AFTER_MAX_SECONDS = 3600.0
BLAMELESS_PAUSE_SECONDS = 30.0
# What an attempt needs at least; with less left of the link's life there is none to make.
SHORTEST_ATTEMPT_SECONDS = 5.0


class Kind(Enum):
    """What an error says about the chance of another attempt."""

    PERMANENT = auto()
    DOUBTFUL = auto()
    OWN = auto()
    UPSTREAM = auto()
    BLAMELESS = auto()
    # A lack of the worker's own: no upstream is to blame either.
    OUR_LACK = auto()


DOWN_CODES = frozenset(
    {ErrorCode.SOURCE_UNAVAILABLE, ErrorCode.SOURCE_TIMEOUT, ErrorCode.STORAGE_UNAVAILABLE}
)
_KINDS = {
    ErrorCode.SOURCE_EXPIRED: Kind.PERMANENT,
    ErrorCode.SOURCE_BLOCKED: Kind.PERMANENT,
    ErrorCode.SOURCE_REJECTED: Kind.PERMANENT,
    ErrorCode.IMAGE_TOO_LARGE: Kind.PERMANENT,
    ErrorCode.IMAGE_INVALID: Kind.PERMANENT,
    ErrorCode.STORAGE_REJECTED: Kind.PERMANENT,
    ErrorCode.SOURCE_UNAUTHORIZED: Kind.DOUBTFUL,
    ErrorCode.SOURCE_FORBIDDEN: Kind.DOUBTFUL,
    ErrorCode.SOURCE_NOT_FOUND: Kind.DOUBTFUL,
    ErrorCode.SOURCE_RATE_LIMITED: Kind.BLAMELESS,
    ErrorCode.STORAGE_RATE_LIMITED: Kind.BLAMELESS,
    ErrorCode.STORAGE_UNAUTHORIZED: Kind.BLAMELESS,
    **dict.fromkeys(DOWN_CODES, Kind.UPSTREAM),
}


def kind_of(error: AttemptError) -> Kind:
    if isinstance(error, ResourceExhausted):
        return Kind.OUR_LACK
    if error.code is ErrorCode.SOURCE_NOT_FOUND and error.http_status == HTTP_GONE:
        return Kind.PERMANENT
    return _KINDS.get(error.code, Kind.OWN)


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt after ``delay_seconds``; this one stays counted, and with ``own_error`` as
    one that ended with an error of the row's own, or a doubtful one."""

    delay_seconds: float
    own_error: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """No further attempt."""


@dataclass(frozen=True, slots=True)
class Release:
    """The attempt is given back; the row rests for ``delay_seconds``, and with it the upstream
    that asked for it."""

    delay_seconds: float


Decision = Retry | Fail | Release


@dataclass(frozen=True, slots=True)
class Tried:
    """How far a row has come: this is its ``attempt``, counted from 1, and ``own_errors`` of those
    before ended with an error of its own. ``max_attempts`` is its own limit, if it has one."""

    attempt: int
    own_errors: int
    max_attempts: int | None
    max_own_errors: int


def decide(
    error: AttemptError,
    tried: Tried,
    *,
    seconds_left: float | None,
    jitter: random.Random,
) -> Decision:
    """What to do after an attempt ended with ``error``.

    ``seconds_left``: until the link dies, by the database's clock; ``None`` if unknown.
    """
    kind = kind_of(error)
    if kind is Kind.BLAMELESS:
        return Release(pause_seconds(error))
    if kind is Kind.OUR_LACK:
        return Release(_before_link_dies(pause_seconds(error), seconds_left))
    if kind is Kind.PERMANENT or _is_spent(error, kind, tried):
        return Fail()
    is_own = kind is not Kind.UPSTREAM
    return _retry_in_time(error, _delay_seconds(error, tried, jitter), seconds_left, is_own)


def _before_link_dies(delay_seconds: float, seconds_left: float | None) -> float:
    if seconds_left is None:
        return delay_seconds
    return min(delay_seconds, max(0.0, seconds_left - SHORTEST_ATTEMPT_SECONDS))


def _is_spent(error: AttemptError, kind: Kind, tried: Tried) -> bool:
    if tried.max_attempts is not None and tried.attempt >= tried.max_attempts:
        return True
    own_errors = tried.own_errors + 1
    # A row's own limit is looked at above, and stands in place of the setting.
    most = tried.max_own_errors if tried.max_attempts is None else tried.max_attempts
    if error.code is ErrorCode.SOURCE_NOT_FOUND:
        return own_errors >= min(NOT_FOUND_MAX_ATTEMPTS, most)
    if kind is Kind.DOUBTFUL:
        return own_errors >= min(DOUBTFUL_MAX_ATTEMPTS, most)
    return kind is Kind.OWN and own_errors >= most


def _delay_seconds(error: AttemptError, tried: Tried, jitter: random.Random) -> float:
    if error.code is not ErrorCode.SOURCE_NOT_FOUND:
        return backoff_seconds(tried.attempt, jitter)
    return NOT_FOUND_DELAYS_SECONDS[min(tried.own_errors, len(NOT_FOUND_DELAYS_SECONDS) - 1)]


def _retry_in_time(
    error: AttemptError,
    backoff: float,
    seconds_left: float | None,
    own_error: bool,  # noqa: FBT001
) -> Decision:
    # Not longer: the upstream may be well again any time, and the link dies.
    asked = min(error.retry_after_seconds or 0.0, BACKOFF_MAX_SECONDS)
    delay = max(backoff, asked)
    if seconds_left is None:
        return Retry(delay, own_error)
    latest = seconds_left - SHORTEST_ATTEMPT_SECONDS
    if latest <= 0:
        return Fail()
    # Rather early than after the link's death.
    return Retry(min(delay, latest), own_error)


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
