"""A pipe whose end tells processes that their parent is gone, however it ended."""

import os


class Lifeline:
    """Made by the parent, which alone keeps it open: its processes see the end of the pipe when
    the parent cuts it, and when the parent ends."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def hold(self) -> None:
        """To be called first in each process that was forked, which else would keep it open for
        all."""
        os.close(self._writing)

    def cut(self) -> None:
        """In the parent: let all see its end."""
        os.close(self._writing)

    def wait_for_end(self) -> None:
        """Wait for it. Signal handlers are called in the course of it."""
        os.read(self._reading, 1)

    def fileno(self) -> int:
        """Readable at its end, as :mod:`select` asks for it."""
        return self._reading
