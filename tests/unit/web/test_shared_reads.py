"""Reads that many callers share."""

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

import pytest

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.web import shared_reads
from storyboard_worker.web.shared_reads import SharedReads, Soon
from tests.support.waiting import eventually, holds

LONG = 60.0
# Longer than a test waits for anything.
NEVER_STALE, ALWAYS_STALE = 600.0, 0.0


class Source:
    """What is read. A read waits while ``gate`` is closed."""

    def __init__(self, **values: int) -> None:
        self.values = values
        self.reads: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def read(self, keys: Collection[str]) -> dict[str, int]:
        self.reads.append(sorted(keys))
        assert self.gate.wait(LONG)
        if self.error is not None:
            raise self.error
        return {key: self.values[key] for key in keys if key in self.values}


def reads_of(
    source: Source,
    *,
    fresh_seconds: float = NEVER_STALE,
    patience_seconds: float = LONG,
    on_read: Callable[[], None] = lambda: None,
) -> SharedReads[str, int]:
    return SharedReads(
        source.read,
        fresh_seconds=fresh_seconds,
        patience_seconds=patience_seconds,
        on_read=on_read,
    )


def test_what_is_fresh_is_not_read_again() -> None:
    source = Source(a=1)
    reads = reads_of(source)
    assert [reads("a"), reads("a"), reads("b"), reads("b")] == [1, 1, None, None]
    assert source.reads == [["a"], ["b"]]


def test_what_is_stale_is_read_again() -> None:
    source = Source(a=1)
    reads = reads_of(source, fresh_seconds=ALWAYS_STALE)
    assert reads("a") == 1
    source.values["a"] = 2
    assert reads("a") == 2
    assert len(source.reads) == 2


def test_keys_asked_for_during_a_read_share_the_next_one() -> None:
    source = Source(a=1, b=2, c=3)
    source.gate.clear()
    reads = reads_of(source)
    with ThreadPoolExecutor(20) as callers:
        first = callers.submit(reads, "a")
        eventually(lambda: source.reads == [["a"]])
        others = [callers.submit(reads, key) for key in "abcbcbcbcabc"]
        eventually(lambda: len(reads._changed._waiters) == 13)  # type: ignore[attr-defined]
        source.gate.set()
        assert first.result() == 1
        assert [other.result() for other in others] == [1, 2, 3, 2, 3, 2, 3, 2, 3, 1, 2, 3]
    assert source.reads == [["a"], ["b", "c"]]


def test_an_error_is_raised_to_each_caller_and_forgotten_in_time() -> None:
    source = Source(a=1)
    source.error = DatabaseUnavailable("away")
    reads = reads_of(source, fresh_seconds=ALWAYS_STALE)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match="away"):
            reads("a")
    source.error = None
    assert reads("a") == 1


def test_a_late_read_holds_nobody_else_up() -> None:
    source = Source(a=1, b=2)
    source.gate.clear()
    reads = reads_of(source, patience_seconds=0.05)
    with pytest.raises(DatabaseUnavailable, match="could not be read in time"):
        reads("a")
    # The read began a moment after it was asked for.
    reads._patience_seconds = 0.0
    for key in "ab":
        with pytest.raises(DatabaseUnavailable, match="does not answer"):
            reads(key)
    assert source.reads == [["a"]]
    source.gate.set()
    eventually(lambda: not reads._reading)
    reads._patience_seconds = LONG
    assert reads("b") == 2
    assert source.reads == [["a"], ["b"]]


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "MOST_REMEMBERED", 3)
    source = Source()
    reads = reads_of(source)
    for key in "abcdabcd":
        reads(key)
    assert len(source.reads) == 8
    assert set(reads._entries) == set("bcd")


def test_one_statement_takes_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "MOST_AT_ONCE", 2)
    source = Source(a=1, b=2, c=3, d=4)
    source.gate.clear()
    reads = reads_of(source)
    with ThreadPoolExecutor(4) as callers:
        found = [callers.submit(reads, "a")]
        eventually(lambda: len(source.reads) == 1)
        found += [callers.submit(reads, key) for key in "bcd"]
        eventually(lambda: len(reads._asked) == 3)
        source.gate.set()
        assert [one.result() for one in found] == [1, 2, 3, 4]
    assert [len(keys) for keys in source.reads] == [1, 2, 1]


def test_its_thread_ends_when_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "LINGER_SECONDS", 0.01)
    reads = reads_of(Source(a=1), fresh_seconds=ALWAYS_STALE)
    assert reads("a") == 1
    eventually(lambda: not reads._has_thread)
    assert reads("a") == 1


def test_what_is_neither_new_nor_stale_is_answered_and_read_again_behind_it() -> None:
    source = Source(a=1)
    reads = reads_of(source)
    assert reads("a") == 1
    source.values["a"] = 2
    age(reads, "a", NEVER_STALE / 2)
    assert reads("a") == 1
    eventually(lambda: reads("a") == 2)
    assert source.reads == [["a"], ["a"]]


def age(reads: SharedReads[str, int], key: str, seconds: float) -> None:
    entry = reads._entries[key]
    reads._entries[key] = entry._replace(read_at=entry.read_at - seconds)


def test_what_is_remembered_is_told_without_waiting() -> None:
    source = Source(a=1)
    reads = reads_of(source)
    assert reads.recent("a") is None
    assert source.reads == []
    assert [reads("a"), reads("b")] == [1, None]
    assert reads.recent("a") == (1,)
    assert reads.recent("b") == (None,)
    age(reads, "a", NEVER_STALE + 1)
    assert reads.recent("a") is Soon.SOON


def test_an_error_is_remembered_and_never_told_as_an_answer() -> None:
    source = Source(a=1)
    source.error = DatabaseUnavailable("away")
    reads = reads_of(source)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            reads("a")
        assert reads.recent("a") is None
    assert source.reads == [["a"]]


def test_reads_that_no_caller_waits_for_take_many_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "APART_SECONDS", LONG)
    source = Source(a=1, b=2, c=3)
    reads = reads_of(source)
    # A caller does not wait for the time between reads.
    assert [reads(key) for key in "abc"] == [1, 2, 3]
    for key in "abc":
        age(reads, key, NEVER_STALE / 2)
        assert reads.recent(key) == (source.values[key],)
    assert not holds(lambda: len(source.reads) > 3, 0.1)
    assert reads("d") is None
    assert source.reads == [["a"], ["b"], ["c"], ["a", "b", "c", "d"]]


def test_what_is_not_remembered_is_told_when_it_was_read() -> None:
    source, told = Source(a=1, b=2), threading.Event()
    reads = reads_of(source, on_read=told.set)
    assert reads("a") == 1
    assert not told.is_set()
    assert reads.recent("b") is Soon.SOON
    assert told.wait(LONG)
    assert reads.recent("b") == (2,)


def test_what_was_read_since_counts_however_short_it_is_fresh() -> None:
    source, told = Source(a=1), threading.Event()
    reads = reads_of(source, fresh_seconds=ALWAYS_STALE, on_read=told.set)
    assert reads("a") == 1
    came_at = time.monotonic()
    source.values["a"] = 2
    assert reads.recent("a", came_at) is Soon.SOON
    assert told.wait(LONG)
    assert reads.recent("a", came_at) == (2,)
    assert reads.recent("a") is Soon.SOON


def test_a_late_read_is_not_waited_for() -> None:
    source = Source(a=1, b=2)
    reads = reads_of(source)
    assert reads("a") == 1
    source.gate.clear()
    assert reads.recent("b") is Soon.SOON
    eventually(lambda: reads._reading)
    reads._patience_seconds = 0.0
    assert reads.recent("b") is None
    assert reads.recent("a") == (1,)
    source.gate.set()
