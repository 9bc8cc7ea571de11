"""Work that a request waits for, but not without end."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from storyboard_worker.web.errands import Errands, NoneFree, Overdue

LONG = 30.0


def raise_lookup() -> None:
    raise LookupError("gone")


def test_the_result_is_returned_or_the_error_raised() -> None:
    errands = Errands("test", count=1)
    assert errands.run(lambda: 7, patience_seconds=LONG) == 7
    with pytest.raises(LookupError, match="gone"):
        errands.run(raise_lookup, patience_seconds=LONG)
    assert errands.run(lambda: 8, patience_seconds=LONG) == 8


def test_an_overdue_errand_goes_on_and_keeps_its_place(release: threading.Event) -> None:
    errands = Errands("test", count=1)
    ended = threading.Event()

    def slow() -> None:
        assert release.wait(LONG)
        ended.set()

    with pytest.raises(Overdue):
        errands.run(slow, patience_seconds=0.05)
    # It is refused at once though it would queue: when a place becomes free is unknown.
    with pytest.raises(NoneFree):
        errands.run(lambda: 7, patience_seconds=LONG, queue_seconds=10_000)
    assert not errands.wait_idle(0.05)
    release.set()
    assert ended.wait(LONG)
    assert errands.wait_idle(LONG)
    assert errands.run(lambda: 7, patience_seconds=LONG) == 7


def test_errands_beyond_the_count_wait_for_a_place_if_they_may(release: threading.Event) -> None:
    errands = Errands("test", count=1)
    began = threading.Event()

    def slow() -> int:
        began.set()
        assert release.wait(LONG)
        return 1

    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(errands.run, slow, patience_seconds=LONG)
        assert began.wait(LONG)
        with pytest.raises(NoneFree):
            errands.run(lambda: 2, patience_seconds=LONG)
        second = callers.submit(errands.run, lambda: 2, patience_seconds=LONG, queue_seconds=LONG)
        release.set()
        assert (first.result(), second.result()) == (1, 2)


def test_a_thread_that_cannot_be_started_does_not_cost_the_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errands = Errands("test", count=1)

    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_more)
        with pytest.raises(RuntimeError):
            errands.run(lambda: 7, patience_seconds=LONG)
    assert errands.run(lambda: 8, patience_seconds=LONG) == 8
