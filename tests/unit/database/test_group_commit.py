"""Items of many threads are written together, and a lone item at once."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from storyboard_worker.database.group_commit import GroupCommit
from storyboard_worker.errors import DatabaseUnavailable, LeaseLost


class Writer:
    """Records batches. The first write waits until it is released."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.first_began = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, items: list[int]) -> Sequence[Exception | None]:
        self.batches.append(items)
        if not self.first_began.is_set():
            self.first_began.set()
            assert self.let_go.wait(10)
        return [LeaseLost(str(item)) if item < 0 else None for item in items]


@pytest.fixture
def writer() -> Writer:
    return Writer()


def test_a_lone_item_is_written_at_once(writer: Writer) -> None:
    writer.let_go.set()
    GroupCommit(writer).submit(1)
    assert writer.batches == [[1]]


def queued(commit: GroupCommit[int]) -> int:
    return len(commit._queue)


def submit_behind_a_write(writer: Writer, items: list[int]) -> list[BaseException | None]:
    """Submit item 0, and ``items`` while it is written; returns the results of ``items``."""
    commit = GroupCommit(writer)
    with ThreadPoolExecutor(len(items) + 1) as threads:
        first = threads.submit(commit.submit, 0)
        assert writer.first_began.wait(10)
        others = [threads.submit(commit.submit, item) for item in items]
        while queued(commit) < len(items):
            pass  # They queue while the first write is under way
        writer.let_go.set()
        first.result(10)
        return [other.exception(10) for other in others]


def test_what_queues_up_behind_a_write_is_written_together(writer: Writer) -> None:
    errors = submit_behind_a_write(writer, [1, 2, 3])
    assert errors == [None, None, None]
    assert len(writer.batches) == 2
    assert sorted(writer.batches[1]) == [1, 2, 3]


def test_each_hears_only_of_its_own_item(writer: Writer) -> None:
    errors = submit_behind_a_write(writer, [1, -2, 3])
    assert [type(error) for error in errors] == [type(None), LeaseLost, type(None)]
    assert str(errors[1]) == "-2"


def test_a_batch_has_a_limit() -> None:
    sizes: list[int] = []

    def write(items: list[int]) -> list[None]:
        sizes.append(len(items))
        return [None] * len(items)

    commit = GroupCommit(write, most=2)
    with ThreadPoolExecutor(7) as threads:
        list(threads.map(commit.submit, range(50)))
    assert sum(sizes) == 50
    assert max(sizes) <= 2


class Unwritable(Exception):
    """Like a vendor's error, it needs more than its text."""

    def __init__(self, text: str, *, item: int) -> None:
        super().__init__(text)
        self.item = item


def test_an_item_that_cannot_be_written_does_not_take_the_others_with_it() -> None:
    class Choosy(Writer):
        def __call__(self, items: list[int]) -> Sequence[Exception | None]:
            if 13 in items:
                raise Unwritable("no", item=13)
            return super().__call__(items)

    errors = submit_behind_a_write(Choosy(), [12, 13, 14])
    assert [type(error) for error in errors] == [type(None), Unwritable, type(None)]


def test_an_exception_of_a_write_reaches_its_thread_and_the_next_write_goes_on() -> None:
    failing = [True]

    def write(items: list[int]) -> list[None]:
        if failing[0]:
            raise DatabaseUnavailable("away")
        return [None] * len(items)

    commit = GroupCommit(write)
    with pytest.raises(DatabaseUnavailable, match="away"):
        commit.submit(1)
    failing[0] = False
    commit.submit(2)
