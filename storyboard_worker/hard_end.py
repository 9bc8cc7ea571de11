"""Ending the process at a fixed moment, whatever its threads wait for.

A database that takes a statement and never answers, a log that is not drained or a Sentry that is
away would otherwise hold an end up. Nothing is lost by it: leases lapse, and rows are rescued.
"""

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

STDERR = 2


def end_process(code: int, tell: Callable[[], None], *, tell_seconds: float) -> NoReturn:
    """End the process with ``code`` once ``tell`` is done, and after ``tell_seconds`` in any case.

    It may be called from any thread; no clean-up of other threads is run.
    """
    timer = threading.Timer(tell_seconds, os._exit, [code])
    timer.daemon = True
    timer.start()
    # An error in it ends the thread with a stack, and the timer ends the process.
    tell()
    # What hangs may be the main thread: only this ends the process.
    os._exit(code)


def write_to_stderr(line: bytes) -> None:
    """Write past all buffers and locks. The line is lost where stderr is closed or full."""
    with suppress(OSError):
        os.write(STDERR, line)


class HardEnd:
    """Ends the process with ``code`` when something takes longer than ``seconds``.

    ``tell`` is called first and has ``tell_seconds`` for it, see :func:`end_process`.
    """

    def __init__(
        self, seconds: float, code: int, tell: Callable[[], None], *, tell_seconds: float
    ) -> None:
        self._seconds = seconds
        self._code = code
        self._tell = tell
        self._tell_seconds = tell_seconds
        # Not an Event: a signal handler puts into it.
        self._begun: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hard end", daemon=True)

    def start(self) -> None:
        """Start its thread, which waits for :meth:`begin`."""
        self._thread.start()

    def begin(self) -> None:
        """The seconds count from now on; may be called inside a signal handler."""
        self._begun.put(None)

    def over(self) -> None:
        """It was done in time: the process is left alone."""
        self._over.set()

    def _run(self) -> None:
        self._begun.get()
        if not self._over.wait(self._seconds):
            end_process(self._code, self._tell, tell_seconds=self._tell_seconds)
