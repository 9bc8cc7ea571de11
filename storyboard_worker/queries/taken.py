"""What the statement of a claim answers with, and what the claim cursor learns from it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, NamedTuple

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.claim_cursor import ClaimCursor, Rank
from storyboard_worker.queries.claim_statements import RANK
from storyboard_worker.storyboard import Claim


class Taken(NamedTuple):
    """A row that a claim took. ``place`` is its place among them, in the order of urgency."""

    claim: Claim
    rank: Rank
    place: int


def taken(*values: Any) -> Taken:
    """A row of the answer."""
    *claimed, place = values
    return Taken(Claim(*claimed[: -len(RANK)]), tuple(claimed[-len(RANK) :]), place)


def claims_of(rows: Sequence[Taken]) -> list[Claim]:
    """The claims, the most urgent first."""
    return [row.claim for row in sorted(rows, key=attrgetter("place"))]


@contextmanager
def watched(claim_cursor: ClaimCursor, start: Rank | None, began_at: float) -> Iterator[None]:
    """Wraps one claim from ``start`` on. A failure may be due to its walk."""
    try:
        yield
    except DatabaseUnavailable:
        claim_cursor.failed(start, time.monotonic() - began_at)
        raise


def passed(
    claim_cursor: ClaimCursor,
    kind: str,
    start: Rank | None,
    rows: Sequence[Taken],
    began_at: float,
) -> list[Claim]:
    """The same as :func:`claims_of`, after the cursor has moved to the last of them."""
    last = max(rows, key=attrgetter("place"), default=None)
    claim_cursor.passed(kind, start, last and last.rank, time.monotonic() - began_at)
    return claims_of(rows)
