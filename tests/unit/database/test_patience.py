"""A call that fails because the database is away is tried again for a while."""

import threading
import time
from collections.abc import Callable

import pytest

from storyboard_worker.database import Database
from storyboard_worker.database.patience import LAST_TRY_SECONDS, Patience, at_once
from storyboard_worker.errors import (
    DatabaseUnavailable,
    DataRefused,
    RowsHidden,
    SchemaOutdated,
)

AWAY = DatabaseUnavailable("away")


class Work:
    """Raises ``errors``, one after the other, and then returns a result."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


@pytest.fixture
def patience_of() -> Callable[[float], Patience]:
    # Only the end of its exchanges is asked for.
    database = Database("host=/nonexistent")
    return lambda seconds: Patience(database, seconds, tell=told.append)


told: list[DatabaseUnavailable] = []


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    told.clear()


def test_it_answers_as_soon_as_it_can(patience_of: Callable[[float], Patience]) -> None:
    work = Work(AWAY, AWAY)
    assert patience_of(30)(work) == "done"
    assert (work.calls, told) == (3, [AWAY])


def test_what_does_not_fail_is_not_told(patience_of: Callable[[float], Patience]) -> None:
    assert patience_of(30)(Work()) == "done"
    assert told == []


def test_it_gives_up_in_time_with_the_last_error(patience_of: Callable[[float], Patience]) -> None:
    last = DatabaseUnavailable("still away")
    work = Work(AWAY, *[last] * 100)
    began_at = time.monotonic()
    with pytest.raises(DatabaseUnavailable) as raised:
        patience_of(0.9)(work)
    assert raised.value is last
    assert work.calls == 3
    assert time.monotonic() - began_at < 0.9


@pytest.mark.parametrize("error", [SchemaOutdated, DataRefused, RowsHidden, ValueError])
def test_an_error_that_waiting_does_not_fix_is_final(
    patience_of: Callable[[float], Patience], error: type[Exception]
) -> None:
    for before in ([], [AWAY]):
        work = Work(*before, error("final"))
        with pytest.raises(error, match="final"):
            patience_of(30)(work)
        assert work.calls == len(before) + 1


def test_without_time_the_first_failure_is_final_and_not_told(
    patience_of: Callable[[float], Patience],
) -> None:
    work = Work(AWAY)
    with pytest.raises(DatabaseUnavailable):
        patience_of(0)(work)
    with pytest.raises(DatabaseUnavailable):
        at_once(Work(AWAY))
    assert (work.calls, told) == (1, [])


def test_a_stop_ends_the_waiting(patience_of: Callable[[float], Patience]) -> None:
    patience = patience_of(30)
    waiting = threading.Event()

    def work() -> str:
        waiting.set()
        raise AWAY

    def stop() -> None:
        waiting.wait()
        patience.give_up()

    thread = threading.Thread(target=stop)
    thread.start()
    began_at = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        patience(work)
    thread.join()
    assert time.monotonic() - began_at < 5


def test_nothing_is_tried_after_the_end_that_was_set(
    patience_of: Callable[[float], Patience],
) -> None:
    patience = patience_of(30)
    patience.end_by(time.monotonic())
    work = Work(AWAY)
    with pytest.raises(DatabaseUnavailable):
        patience(work)
    assert work.calls == 1


def test_it_tries_until_shortly_before_the_end(patience_of: Callable[[float], Patience]) -> None:
    """The waits double. A last one that would reach beyond the end is shortened."""
    began_at = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        patience_of(1.2)(Work(*[AWAY] * 10))
    assert time.monotonic() - began_at >= 1.2 - LAST_TRY_SECONDS
