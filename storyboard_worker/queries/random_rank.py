"""A random place in the order of urgency.

A probe is drawn from the whole backlog: a thousand broken rows in front of it must not be all that
is ever tried. To count the rows, or to shuffle them, would cost the more the more there are; to
find the row next to a rank does not.

A rank drawn between two rows is not enough: where rows lie far apart, in priority, expiry or time,
it falls into the gap between them, and leads to the same row each time. So the rows on both sides
of it are looked up, one side is chosen by the toss of a coin, and a rank is drawn anew between its
ends: after a few tosses the gap is left behind. Where a few rows lie far from all others, each
would take half of the tosses: so some at either end are left out to begin with, as many as chance
will have it.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from storyboard_worker.queries.claim_cursor import Rank

LOWEST_ID = str(UUID(int=0))
LOWEST: Rank = ("-2147483648", "-infinity", "-infinity", LOWEST_ID)
TOSSES = 5
FAIR = 0.5

# The last row before a rank, or the first from it on; ``None`` where there is none.
Look = Callable[[Rank], Rank | None]


def random_rank(
    first: Rank, last: Rank, *, before: Look, since: Look, chance: random.Random
) -> Rank:
    """A rank at or before a row that is drawn from those between ``first`` and ``last``."""
    for _ in range(TOSSES):
        if first == last:
            break
        pivot = rank_between(first, last, chance)
        high = since(pivot)
        # From the first row on lies all that there is, and what is before it does not belong.
        low = None if high == first else before(pivot)
        if low is not None and (high is None or chance.random() < FAIR):
            last = low
        elif high is not None:
            first = high
    return rank_between(first, last, chance)


def rank_between(first: Rank, last: Rank, chance: random.Random) -> Rank:
    """A rank from ``first`` on and before ``last``, evenly in the first part in which they differ:
    priority, then expiry, then the moment they are due, then id."""
    # Rows come and go between the looks, so that the last may have become the first.
    for place, (low, high) in enumerate(zip(first, last, strict=True)):
        if low != high:
            return (*first[:place], _between(place, low, high, chance), *LOWEST[place + 1 :])
    return (*first[:3], LOWEST_ID)


def _between(place: int, low: str, high: str, chance: random.Random) -> str:
    match place:
        case 0:
            return str(chance.randint(*sorted((int(low), int(high)))))
        case 3:
            return str(UUID(int=chance.randint(*sorted((UUID(low).int, UUID(high).int)))))
        case _:
            return _moment_between(low, high, chance)


def _moment_between(low: str, high: str, chance: random.Random) -> str:
    if "infinity" in low + high:
        return chance.choice((low, high))
    earliest, latest = datetime.fromisoformat(low), datetime.fromisoformat(high)
    share = chance.random()
    return (earliest + timedelta(seconds=share * (latest - earliest).total_seconds())).isoformat()
