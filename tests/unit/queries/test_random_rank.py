"""A place drawn at random from a backlog in which some rows lie far from the others."""

import random
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from storyboard_worker.queries.claim_cursor import Rank
from storyboard_worker.queries.random_rank import random_rank

Ordered = tuple[int, datetime, datetime, UUID]
BEGINNING = datetime(2026, 1, 2, tzinfo=UTC)
EVEN = 400
DRAWS = 400
LEFT_OUT = 100


def rows(
    count: int, *, priority: int = 0, seconds: float = 60, begins: datetime = BEGINNING
) -> list[Ordered]:
    return [
        (priority, begins + timedelta(seconds=seconds * n), BEGINNING, UUID(int=n))
        for n in range(count)
    ]


def ordered(rank: Rank) -> Ordered:
    priority, expires, available, id_ = rank
    return int(priority), _moment(expires), _moment(available), UUID(id_)


def _moment(text: str) -> datetime:
    earliest = datetime.min.replace(tzinfo=UTC)
    return earliest if text == "-infinity" else datetime.fromisoformat(text)


def as_rank(row: Ordered) -> Rank:
    return tuple(map(str, row))


def draw(backlog: Sequence[Ordered], chance: random.Random) -> int:
    """The row that a probe takes, as the statements find it."""

    def before(rank: Rank) -> Rank | None:
        place = bisect_left(backlog, ordered(rank))
        return as_rank(backlog[place - 1]) if place else None

    def since(rank: Rank) -> Rank | None:
        place = bisect_left(backlog, ordered(rank))
        return as_rank(backlog[place]) if place < len(backlog) else None

    first, last = backlog[chance.randrange(LEFT_OUT)], backlog[-1 - chance.randrange(LEFT_OUT)]
    rank = random_rank(as_rank(first), as_rank(last), before=before, since=since, chance=chance)
    return bisect_left(backlog, ordered(rank))


LONG_AGO = BEGINNING - timedelta(days=300)
BACKLOGS = {
    "no odd row": rows(EVEN),
    "one in front": sorted([*rows(1, priority=-1000), *rows(EVEN)]),
    "one behind": sorted([*rows(1, priority=1000), *rows(EVEN)]),
    "one whose link has long been dead": sorted([*rows(1, begins=LONG_AGO), *rows(EVEN)]),
    "one at each end": sorted(
        [*rows(1, priority=-9), *rows(1, priority=9), *rows(1, begins=LONG_AGO), *rows(EVEN)]
    ),
    "a few apart": sorted([*rows(5, priority=-9, seconds=86_400), *rows(EVEN)]),
    "in two heaps": sorted([*rows(EVEN // 2, begins=LONG_AGO), *rows(EVEN // 2)]),
}


@pytest.mark.parametrize("backlog", BACKLOGS.values(), ids=BACKLOGS)
def test_each_quarter_of_the_backlog_has_its_share(backlog: list[Ordered]) -> None:
    chance = random.Random(7)
    drawn = [draw(backlog, chance) * 4 // (len(backlog) + 1) for _ in range(DRAWS)]
    assert min(drawn.count(quarter) for quarter in range(4)) >= DRAWS / 20


def test_no_row_is_drawn_again_and_again() -> None:
    backlog = BACKLOGS["one at each end"]
    chance = random.Random(7)
    drawn = [draw(backlog, chance) for _ in range(DRAWS)]
    assert max(map(drawn.count, set(drawn))) <= DRAWS / 20


def test_a_single_row_is_found() -> None:
    [row] = rows(1)
    rank = as_rank(row)
    chance = random.Random(7)
    found = random_rank(rank, rank, before=lambda _: None, since=lambda _: rank, chance=chance)
    assert ordered(found) <= row
