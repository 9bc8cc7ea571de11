"""Where a history of failed attempts begins anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storyboard_worker.attempts.policy import Kind, kind_of
from storyboard_worker.errors import AttemptError, ErrorCode, Resource, ResourceExhausted
from storyboard_worker.queries.board.starts_afresh import (
    MAY_BE_GIVEN_BACK,
    StartAfresh,
    starts_afresh,
)

BEGAN = datetime(2026, 11, 27, tzinfo=UTC)
TIMEOUT = ErrorCode.SOURCE_TIMEOUT
RATE = ErrorCode.SOURCE_RATE_LIMITED
LOST = ErrorCode.WORKER_LOST
LACK = ErrorCode.UNEXPECTED


def at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def history(*tried: tuple[int, ErrorCode]) -> list[dict[str, Any]]:
    """One attempt each minute, which takes half of it."""
    return [
        {
            "attempt": number,
            "error_code": str(code),
            "began_at": at(minute),
            "ended_at": at(minute + 0.5),
        }
        for minute, (number, code) in enumerate(tried)
    ]


@pytest.mark.parametrize(
    ("tried", "anew"),
    [
        ([], []),
        ([(1, TIMEOUT)], []),
        ([(1, TIMEOUT), (2, TIMEOUT), (4, TIMEOUT)], []),
        ([(1, TIMEOUT), (2, TIMEOUT), (1, TIMEOUT), (2, TIMEOUT)], [2]),
        ([(1, TIMEOUT), (1, TIMEOUT), (1, TIMEOUT)], [1, 2]),
        ([(2, RATE), (2, RATE), (2, LACK), (2, TIMEOUT)], []),
        ([(2, RATE), (1, LACK)], [1]),
        ([(1, LOST), (2, LOST), (3, TIMEOUT), (2, TIMEOUT)], []),
        ([(1, LOST), (2, TIMEOUT), (3, TIMEOUT), (1, LOST), (2, TIMEOUT)], [3]),
    ],
)
def test_it_begins_anew_where_the_numbers_do(
    tried: list[tuple[int, ErrorCode]], anew: list[int]
) -> None:
    found = list(starts_afresh(history(*tried)))
    assert found == [StartAfresh(at(minute - 0.5), at(minute)) for minute in anew]


def test_an_attempt_whose_beginning_is_unknown() -> None:
    attempts = history((1, TIMEOUT), (1, TIMEOUT))
    attempts[1]["began_at"] = None
    assert list(starts_afresh(attempts)) == [StartAfresh(at(0.5), at(1.5))]


def test_every_error_that_gives_its_attempt_back_is_known() -> None:
    errors = [AttemptError(code, "", upstream="a.example") for code in ErrorCode]
    errors.append(ResourceExhausted(Resource.MEMORY, ""))
    given_back = {
        error.code for error in errors if kind_of(error) in {Kind.BLAMELESS, Kind.OUR_LACK}
    }
    assert given_back == MAY_BE_GIVEN_BACK
