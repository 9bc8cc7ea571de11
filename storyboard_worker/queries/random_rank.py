"""A random place in the order of urgency.

A probe is drawn from the whole backlog: a thousand broken rows in front of it must not be all that
is ever tried. To count the rows, or to shuffle them, would cost the more the more there are; to
find the first row after a rank does not.
"""

import random
from datetime import datetime, timedelta
from uuid import UUID

from storyboard_worker.queries.frontier import Rank

LOWEST_ID = str(UUID(int=0))
LOWEST: Rank = ("-2147483648", "-infinity", "-infinity", LOWEST_ID)


def rank_between(first: Rank, last: Rank, chance: random.Random | None = None) -> Rank:
    """A rank from ``first`` on and before ``last``, evenly in the first part in which they differ:
    priority, then expiry, then the moment they are due, then id."""
    chance = chance or random.SystemRandom()
    for place, (low, high) in enumerate(zip(first, last, strict=True)):
        if low != high:
            return (*first[:place], _between(place, low, high, chance), *LOWEST[place + 1 :])
    return (*first[:3], LOWEST_ID)


def _between(place: int, low: str, high: str, chance: random.Random) -> str:
    match place:
        case 0:
            return str(chance.randint(int(low), int(high)))
        case 3:
            return str(UUID(int=chance.randint(UUID(low).int, UUID(high).int)))
        case _:
            return _moment_between(low, high, chance)


def _moment_between(low: str, high: str, chance: random.Random) -> str:
    if "infinity" in low + high:
        return chance.choice((low, high))
    earliest, latest = datetime.fromisoformat(low), datetime.fromisoformat(high)
    share = chance.random()
    return (earliest + timedelta(seconds=share * (latest - earliest).total_seconds())).isoformat()
