"""A pipe whose end tells processes that their parent is gone, however it ended."""

import os
import threading
from collections.abc import Callable


class Lifeline:
    """Made by the parent, which alone keeps it open: its processes see the end of the pipe when
    the parent cuts it, and when the parent ends."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def hold(self) -> None:
        """To be called first in each process that was forked: it is not what keeps the pipe
        open."""
        os.close(self._writing)

    def cut(self) -> None:
        """In the parent: let all see the end of it."""
        os.close(self._writing)

    def wait_for_end(self) -> None:
        """Wait for the end. Signal handlers are called in the course of it."""
        os.read(self._reading, 1)

    def at_end(self, act: Callable[[], object]) -> None:
        """Call ``act`` at the end, in a thread of its own."""

        def wait() -> None:
            self.wait_for_end()
            act()

        threading.Thread(target=wait, name="lifeline", daemon=True).start()
