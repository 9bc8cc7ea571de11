"""A signal ends the loop's wait even when the main thread is not the one that receives it."""

import os
import signal
import threading
import time

import pytest

from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.ear import Ear
from storyboard_worker.worker.proofs import Proofs
from storyboard_worker.worker.wakes import Wake, Wakes
from tests.support.deaf_main_thread import deaf_main_thread

# Far longer than anything here takes.
LONG_SECONDS = 30.0


@pytest.fixture
def wakes() -> Wakes:
    return Wakes(Ear(Proofs()))


def test_a_signal_that_another_thread_receives_ends_the_wait(wakes: Wakes) -> None:
    shutdown = Shutdown()
    shutdown.on_request(lambda: wakes.put(Wake.STOP))
    with shutdown.on_signals(), wakes.rung_by_signals(), deaf_main_thread():
        sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        began_at = time.monotonic()
        sender.start()
        # After the whole wait the handler would run, too.
        assert wakes.within(LONG_SECONDS) == {Wake.STOP}
        assert time.monotonic() - began_at < LONG_SECONDS / 2
        sender.join()


def test_what_was_written_for_signals_before_is_so_again_afterwards(wakes: Wakes) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing)
    try:
        with wakes.rung_by_signals():
            pass
        assert signal.set_wakeup_fd(before) == writing
    finally:
        os.close(reading)
        os.close(writing)


def test_outside_the_main_thread_nothing_changes(wakes: Wakes) -> None:
    raised: list[BaseException] = []

    def enter() -> None:
        try:
            with wakes.rung_by_signals():
                pass
        except ValueError as error:
            raised.append(error)

    other = threading.Thread(target=enter)
    other.start()
    other.join()
    assert raised == []
