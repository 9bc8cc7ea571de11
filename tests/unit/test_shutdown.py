"""Callbacks that are told of a stop, and callbacks that are not told any more."""

import os
import queue
import signal
import threading
import time

import pytest

from storyboard_worker.shutdown import NOTICE_SECONDS, Shutdown, take_noticing_signals
from tests.support.deaf_main_thread import deaf_main_thread

# Far longer than anything here takes.
LONG_SECONDS = 30.0


def test_a_callback_is_called_only_while_it_is_of_use() -> None:
    shutdown = Shutdown()
    told: list[str] = []
    shutdown.on_request(lambda: told.append("always"))
    with shutdown.calling(lambda: told.append("left")):
        pass
    with shutdown.calling(lambda: told.append("inside")):
        shutdown.request()
    assert told == ["always", "inside"]


def test_a_callback_that_comes_too_late_is_called_at_once() -> None:
    shutdown = Shutdown()
    shutdown.request()
    told: list[str] = []
    with shutdown.calling(lambda: told.append("late")):
        assert told == ["late"]


def test_a_signal_that_does_not_end_the_wait_is_noticed_soon() -> None:
    shutdown = Shutdown()
    stops: queue.SimpleQueue[None] = queue.SimpleQueue()
    shutdown.on_request(lambda: stops.put(None))
    with shutdown.on_signals(), deaf_main_thread():
        began_at = time.monotonic()
        sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        sender.start()
        take_noticing_signals(stops, LONG_SECONDS)
        assert time.monotonic() - began_at < LONG_SECONDS / 2
        sender.join()


@pytest.mark.parametrize("seconds", [-1.0, 0.0, NOTICE_SECONDS * 1.5])
def test_a_wait_in_slices_ends_when_it_should(seconds: float) -> None:
    began_at = time.monotonic()
    with pytest.raises(queue.Empty):
        take_noticing_signals(queue.SimpleQueue(), seconds)
    assert time.monotonic() - began_at >= seconds


def test_what_has_been_put_is_taken_at_once() -> None:
    items: queue.SimpleQueue[int] = queue.SimpleQueue()
    items.put(7)
    assert take_noticing_signals(items, 0.0) == 7
