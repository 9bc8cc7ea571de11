"""The signals of a process without threads, one after the other."""

import os
import selectors
import signal
from contextlib import suppress
from types import FrameType

AT_ONCE_BYTES = 512


class Signals:
    """SIGTERM, SIGINT and SIGCHLD wait here until they are asked for. For the main thread."""

    NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        for end in (self._reading, self._writing):
            os.set_blocking(end, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._reading, selectors.EVENT_READ)
        # The interpreter writes the number of each signal that has a handler of its own into it.
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in self.NUMBERS:
            signal.signal(number, _hear)

    def within(self, seconds: float | None) -> list[signal.Signals]:
        """Those that have come, or come within so long; ``None``: wait for one."""
        if not self._selector.select(seconds):
            return []
        # An empty pipe: a signal has woken the selector before its number was written.
        with suppress(BlockingIOError):
            return [signal.Signals(number) for number in os.read(self._reading, AT_ONCE_BYTES)]
        return []

    def hold_back(self) -> None:
        """Signals wait in the system from now on: a process that is forked has them wait, too."""
        signal.pthread_sigmask(signal.SIG_BLOCK, self.NUMBERS)

    def let_through(self) -> None:
        """The end of :meth:`hold_back`, in the parent and in its new process."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.NUMBERS)

    def leave(self) -> None:
        """In a new process: its signals are no longer the parent's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        os.close(self._reading)
        os.close(self._writing)


def _hear(_number: int, _frame: FrameType | None) -> None:
    """The pipe has it already."""
