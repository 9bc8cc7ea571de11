"""A process that does one work: how it is forked, and how it ended."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from storyboard_worker.logs import log
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.processes.signals import Signals

# What a process ends with when its work raises an error that its caller has not turned into a code.
EXIT_BROKEN = 1


@dataclass(frozen=True, slots=True)
class Death:
    """A process ended; ``code`` is negative for a signal, as in :mod:`subprocess`."""

    pid: int
    code: int
    lived_seconds: float

    @property
    def how(self) -> str:
        """For people: the exit code, or the signal's name."""
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            # Real-time signals have no name.
            return f"signal {-self.code}"


# Does the work until its end, and returns the exit code. It is told of the death of the process
# whose place it takes.
Work = Callable[[Shutdown, Death | None], int]


class Child:
    """A process that runs, as its parent sees it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._began_at = time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        # It has ended, and the parent has yet to hear of it.
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def death(self) -> Death | None:
        """``None`` while it runs. To be asked no more after its end."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        lived_seconds = time.monotonic() - self._began_at
        return Death(pid, os.waitstatus_to_exitcode(status), lived_seconds)


def fork(name: str, work: Work, signals: Signals, before: Death | None = None) -> Child:
    """Do ``work`` in a new process, whose lines in the log have its ``name``. The process that
    calls it has no threads."""
    # What is not written yet would be written by both.
    _flush()
    signals.hold_back()
    try:
        pid = os.fork()
        if not pid:
            _become(name, work, signals, before)
    finally:
        signals.let_through()
    return Child(pid)


def _become(name: str, work: Work, signals: Signals, before: Death | None) -> NoReturn:
    """What the parent has begun around its fork must not be ended here, so that this function
    never returns."""
    code = EXIT_BROKEN
    log.addFilter(partial(_name_process, name))
    try:
        # A second signal is the parent's to act on: a terminal sends each to the whole group.
        shutdown = Shutdown(second_ends=False)
        with shutdown.on_signals():
            signals.leave()
            signals.let_through()
            code = work(shutdown, before)
    finally:
        _flush()
        os._exit(code)


def _name_process(name: str, record: logging.LogRecord) -> bool:
    facts: dict[str, object] = getattr(record, "facts", {})
    record.facts = {"process": name, **facts}
    return True


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
