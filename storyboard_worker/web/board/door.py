"""How many requests of the board may wait for the database at once.

The server has few threads, and health needs one of them. So a board with many readers, or one
whose database is silent, must not take them all.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST_INSIDE = 3
PATIENCE_SECONDS = 1.0


class Crowded(Exception):
    """Too many are inside; the request may be repeated."""


class Door:
    def __init__(self, most: int = MOST_INSIDE, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._free = threading.Semaphore(most)
        self._patience_seconds = patience_seconds

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Raises :class:`Crowded` when no place becomes free in time."""
        if not self._free.acquire(timeout=self._patience_seconds):
            raise Crowded
        try:
            yield
        finally:
            self._free.release()
