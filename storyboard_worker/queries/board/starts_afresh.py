"""Where a row started afresh, as far as its history of failed attempts tells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from storyboard_worker.errors import ErrorCode

# After such an error the row may have got its attempt back, so the next one has the same number.
# Attempts that were lost with a worker may be given back later, all at once.
# `unexpected` is among them because it is the code of what a worker itself lacks.
MAY_BE_GIVEN_BACK = frozenset(
    {
        ErrorCode.SOURCE_RATE_LIMITED,
        ErrorCode.STORAGE_RATE_LIMITED,
        ErrorCode.STORAGE_UNAUTHORIZED,
        ErrorCode.UNEXPECTED,
    }
)


@dataclass(frozen=True, slots=True)
class StartAfresh:
    """One that the row itself does not tell: it happened between two moments."""

    after: datetime
    before: datetime


def starts_afresh(attempts: Sequence[Mapping[Any, Any]]) -> Iterator[StartAfresh]:
    """Each place in the history where the numbers of attempts begin anew for no other reason.

    ``attempts`` are rows of ``storyboard_attempts``, the earliest first. Attempts that succeeded
    are not in there, so a start between two of them is not found.
    """
    lost = 0
    for earlier, later in pairwise(attempts):
        lost += earlier["error_code"] == ErrorCode.WORKER_LOST
        given_back = lost + (earlier["error_code"] in MAY_BE_GIVEN_BACK)
        if later["attempt"] <= earlier["attempt"] - given_back:
            yield StartAfresh(earlier["ended_at"], later["began_at"] or later["ended_at"])
            lost = 0
