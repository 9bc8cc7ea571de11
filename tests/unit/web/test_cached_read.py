"""Many callers share one read."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.web.cached_read import CachedRead


def test_what_is_fresh_is_not_looked_at_again() -> None:
    numbers = count()
    look = CachedRead(lambda: next(numbers), fresh_seconds=1000, patience_seconds=10)
    assert [look(), look(), look()] == [0, 0, 0]


def test_a_stale_result_is_read_again() -> None:
    numbers = count()
    look = CachedRead(lambda: next(numbers), fresh_seconds=-1, patience_seconds=10)
    assert [look(), look(), look()] == [0, 1, 2]


def test_a_fresh_error_is_raised_to_every_caller() -> None:
    looks: list[int] = []

    def fail() -> int:
        looks.append(1)
        raise DatabaseUnavailable("away")

    look = CachedRead(fail, fresh_seconds=1000, patience_seconds=10)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable, match="away"):
            look()
    assert looks == [1]


def test_those_who_ask_during_a_read_wait_for_its_result(release: threading.Event) -> None:
    looks: list[int] = []
    began = threading.Event()

    def read() -> int:
        looks.append(1)
        began.set()
        assert release.wait(30)
        return 7

    look = CachedRead(read, fresh_seconds=1000, patience_seconds=30)
    with ThreadPoolExecutor(8) as callers:
        found = [callers.submit(look) for _ in range(8)]
        assert began.wait(30)
        release.set()
        assert [each.result() for each in found] == [7] * 8
    assert looks == [1]


def test_no_caller_waits_long_and_the_next_do_not_wait_at_all(release: threading.Event) -> None:
    looks: list[int] = []

    def read() -> bool:
        looks.append(1)
        return release.wait(60)

    look = CachedRead(read, fresh_seconds=1000, patience_seconds=0.2)
    with pytest.raises(DatabaseUnavailable, match="has not answered"):
        look()
    # If each had a wait of its own, the test would end with its time-out.
    look._patience_seconds = 0.0
    for _ in range(1000):
        with pytest.raises(DatabaseUnavailable, match="has not answered"):
            look()
    assert looks == [1]
    look._patience_seconds = 30.0
    release.set()
    assert look() is True


def test_what_is_forgotten_is_read_again() -> None:
    numbers = count()
    look = CachedRead(lambda: next(numbers), fresh_seconds=1000, patience_seconds=10)
    assert [look(), look()] == [0, 0]
    look.forget()
    assert [look(), look()] == [1, 1]


def test_a_read_that_was_under_way_is_forgotten_as_well(release: threading.Event) -> None:
    numbers, began = count(), threading.Event()

    def read() -> int:
        began.set()
        assert release.wait(30)
        return next(numbers)

    look = CachedRead(read, fresh_seconds=1000, patience_seconds=30)
    with ThreadPoolExecutor(1) as callers:
        found = callers.submit(look)
        assert began.wait(30)
        look.forget()
        release.set()
        assert found.result() == 0
    assert [look(), look()] == [1, 1]
