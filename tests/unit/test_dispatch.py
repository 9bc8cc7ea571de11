"""When rows are claimed along with completions, and when that is left to the claim loop."""

from collections.abc import Callable, Collection
from threading import Event
from typing import NoReturn
from uuid import uuid4

import pytest

from storyboard_worker.dispatch import Dispatcher
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, DatabaseUnavailable, ErrorCode
from storyboard_worker.models import Claim
from storyboard_worker.pauses import Pauses
from storyboard_worker.slots import Slots

MakeDispatcher = Callable[..., Dispatcher]


class Rows:
    """A queue with so many rows that are due."""

    def __init__(self, due: int) -> None:
        self.due = due

    def claim(self, limit: int, **_which: Collection[str] | str | None) -> list[Claim]:
        taken = min(limit, self.due)
        self.due -= taken
        return [claim() for _ in range(taken)]


class NeverEnding:
    """Attempts that stay under way."""

    def run(self, *_: object) -> NoReturn:
        Event().wait()
        raise AssertionError


def claim() -> Claim:
    return Claim(uuid4(), uuid4(), "https://images.example/a", 1, 8, None, 0.0)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def slots() -> Slots:
    return Slots(
        NeverEnding(),  # type: ignore[arg-type]
        count=4,
        attempt_timeout_seconds=60,
        on_free=lambda: None,
    )


@pytest.fixture
def filled(slots: Slots, pauses: Pauses) -> MakeDispatcher:
    def make(due: int, limit: int | None = None) -> Dispatcher:
        made = Dispatcher(Rows(due), slots, pauses, limit=limit)  # type: ignore[arg-type]
        made.fill()
        return made

    return make


def test_slots_that_become_free_get_as_many_rows(filled: MakeDispatcher) -> None:
    assert filled(100).take(3) == 3


def test_no_slot_is_taken_twice(filled: MakeDispatcher, slots: Slots) -> None:
    dispatcher = filled(100)
    assert dispatcher.take(2) == 2
    assert dispatcher.take(1) == 0
    assert slots.free == 0
    dispatcher.start([], 2)
    assert slots.take(leaving=2) == 2


def test_nothing_is_claimed_along_when_no_row_was_left(filled: MakeDispatcher) -> None:
    assert filled(3).take(3) == 0


def test_nor_after_fewer_came_than_were_wanted(filled: MakeDispatcher, slots: Slots) -> None:
    dispatcher = filled(100)
    dispatcher.start([claim()], dispatcher.take(3))
    assert len(slots.under_way) == 5
    assert dispatcher.take(3) == 0


def test_nothing_is_claimed_along_while_the_worker_stops(filled: MakeDispatcher) -> None:
    dispatcher = filled(100)
    dispatcher.close()
    assert dispatcher.take(3) == 0


def test_a_limit_is_minded_by_the_claim_loop(filled: MakeDispatcher) -> None:
    assert filled(100, limit=50).take(3) == 0


@pytest.mark.parametrize("upstream", ["images.example", STORAGE_UPSTREAM])
def test_nothing_is_claimed_along_while_an_upstream_is_in_trouble(
    filled: MakeDispatcher, pauses: Pauses, upstream: str
) -> None:
    dispatcher = filled(100)
    code = (
        ErrorCode.STORAGE_RATE_LIMITED
        if upstream == STORAGE_UPSTREAM
        else ErrorCode.SOURCE_RATE_LIMITED
    )
    pauses.failed("images.example", AttemptError(code, "", upstream=upstream))
    assert dispatcher.take(3) == 0


def test_slots_stay_free_when_a_claim_fails(slots: Slots, pauses: Pauses) -> None:
    class Away(Rows):
        def claim(self, limit: int, **_which: Collection[str] | str | None) -> list[Claim]:
            raise DatabaseUnavailable(f"no {limit} rows")

    with pytest.raises(DatabaseUnavailable):
        Dispatcher(Away(0), slots, pauses).fill()  # type: ignore[arg-type]
    assert slots.free == 4
