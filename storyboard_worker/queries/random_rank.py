"""Draws a random place in the order of urgency.

A probe comes from the whole backlog, because a thousand rows at its front may all be broken. The
cost of counting or shuffling rows grows with their number. The cost of finding the row next to a
rank does not.

One rank drawn between two rows is not enough. Where rows lie far apart in priority, expiry or
time, it falls into the gap between them and leads to the same row each time. So the rows on both
sides of it are looked up, a coin decides for one side, and a new rank is drawn there. After a few
tosses the gap is left behind.

Where a few rows lie far from all others, each of them would win half of the tosses. So the caller
leaves out a random number of rows at either end.
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

# Finds the last row before a rank, or the first from it on; ``None`` where there is none.
Look = Callable[[Rank], Rank | None]


def random_rank(
    first: Rank, last: Rank, *, before: Look, since: Look, chance: random.Random
) -> Rank:
    """A rank at or before a random row of those from ``first`` to ``last``."""
    for _ in range(TOSSES):
        if first == last:
            break
        pivot = rank_between(first, last, chance)
        high = since(pivot)
        # No row from ``first`` on lies before the pivot. Earlier rows do not belong here.
        low = None if high == first else before(pivot)
        if low is not None and (high is None or chance.random() < FAIR):
            last = low
        elif high is not None:
            first = high
    return rank_between(first, last, chance)


def rank_between(first: Rank, last: Rank, chance: random.Random) -> Rank:
    """A random rank from ``first`` on and before ``last``.

    It is drawn evenly in the first part in which they differ: priority, expiry, the moment they
    are due, or id.
    """
    # Rows come and go between the looks, so ``last`` may lie before ``first``.
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
