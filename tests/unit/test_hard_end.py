"""The hard end of a process, with the end itself recorded in place of made."""

import os
import threading
from queue import Empty, SimpleQueue

import pytest

from storyboard_worker.hard_end import HardEnd

CODE = 70


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> SimpleQueue[int]:
    """The exit codes with which the process would have ended."""
    ends: SimpleQueue[int] = SimpleQueue()
    monkeypatch.setattr(os, "_exit", ends.put)
    return ends


def test_it_tells_and_then_ends_the_process(ends: SimpleQueue[int]) -> None:
    told: list[bool] = []
    end = HardEnd(0.01, CODE, lambda: told.append(ends.empty()), tell_seconds=60)
    end.start()
    end.begin()
    assert ends.get(timeout=30) == CODE
    assert told == [True]


def test_telling_that_hangs_does_not_keep_the_process(ends: SimpleQueue[int]) -> None:
    release = threading.Event()

    def hang() -> None:
        release.wait()

    end = HardEnd(0.01, CODE, hang, tell_seconds=0.01)
    end.start()
    end.begin()
    try:
        assert ends.get(timeout=30) == CODE
    finally:
        # Its thread must reach its own end while ends are only recorded.
        release.set()
        end._thread.join(30)


def test_a_process_that_is_done_in_time_is_left_alone(ends: SimpleQueue[int]) -> None:
    end = HardEnd(60, CODE, lambda: None, tell_seconds=60)
    end.start()
    end.begin()
    end.over()
    end._thread.join(30)
    assert not end._thread.is_alive()
    assert ends.empty()


def test_the_seconds_count_from_the_beginning(ends: SimpleQueue[int]) -> None:
    end = HardEnd(0, CODE, lambda: None, tell_seconds=60)
    end.start()
    with pytest.raises(Empty):
        ends.get(timeout=0.2)
    end.begin()
    assert ends.get(timeout=30) == CODE
