"""The effects of interrupts on the demo."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from storyboard_worker.cli.demo_interrupts import (
    INTERRUPTS,
    handle_interrupts,
    interrupts_blocked,
    interrupts_deferred,
)

EACH = pytest.mark.parametrize("number", INTERRUPTS, ids=lambda number: number.name)


@pytest.fixture(autouse=True)
def minded() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in INTERRUPTS}
    handle_interrupts()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def assert_comes_at_the_end_of(block: AbstractContextManager[None], number: signal.Signals) -> None:
    came_to_the_end = False

    def interrupted() -> None:
        nonlocal came_to_the_end
        with block:
            signal.raise_signal(number)
            came_to_the_end = True

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert came_to_the_end


def test_the_signals_of_terminals_and_platforms_are_covered() -> None:
    assert {number.name for number in INTERRUPTS} == {"SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"}


@EACH
def test_the_first_signal_interrupts_and_later_ones_are_ignored(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    for other in INTERRUPTS:
        signal.raise_signal(other)


@EACH
def test_a_deferred_signal_interrupts_at_the_end_of_the_block(number: signal.Signals) -> None:
    assert_comes_at_the_end_of(interrupts_deferred(), number)


def test_after_a_quiet_block_signals_interrupt_again() -> None:
    with interrupts_deferred():
        pass

    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_a_process_started_in_a_quiet_block_gets_its_own_interrupts() -> None:
    with interrupts_deferred():
        process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    process.terminate()

    assert process.wait(30) == -signal.SIGTERM


def test_a_blocked_signal_interrupts_at_the_end_of_the_block() -> None:
    assert_comes_at_the_end_of(interrupts_blocked(), signal.SIGINT)
