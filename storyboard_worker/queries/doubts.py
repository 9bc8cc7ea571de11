"""Claims whose answer never came.

A connection may break after the server has committed a claim and before its answer has arrived.
Then the rows are ours, and we do not know them: until their lease runs out they would wait, and an
attempt would be used up. So each claim marks the tokens it gives out with a beginning of their own,
by which the rows can be found and given back.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storyboard_worker.errors import DataRefused, NotReached, SchemaOutdated

# A mark is the beginning of a uuid, as text: «0f4e1a2b-77c0».
MARK_CHARACTERS = 13
# A proxy may deliver late what it has swallowed: then the claim happens after the first look.
LOOKED_FOR_SECONDS = 120.0
LOOK_EVERY_SECONDS = 1.0


class Doubts:
    """Of one worker, whose threads may claim at the same time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    @contextmanager
    def marked(self) -> Iterator[str]:
        """Around a claim, whose tokens begin with what this yields; after an error it is in
        doubt."""
        digits = secrets.token_hex(6)
        mark = f"{digits[:8]}-{digits[8:]}"
        try:
            yield mark
        except (NotReached, DataRefused, SchemaOutdated):
            # Not asked, or answered.
            raise
        except BaseException:
            with self._lock:
                self._since[mark] = self._clock()
                self._looked_at = float("-inf")
            raise

    def to_look_for(self) -> list[str]:
        """The marks in doubt, when it is time for another look."""
        if not self._since:
            return []
        with self._lock:
            now = self._clock()
            self._since = {
                mark: since
                for mark, since in self._since.items()
                if now - since < LOOKED_FOR_SECONDS
            }
            if now - self._looked_at < LOOK_EVERY_SECONDS:
                return []
            self._looked_at = now
            return list(self._since)

    def settled(self, marks: set[str]) -> None:
        """All rows of these have been given back: each claim is one transaction, so there will be
        no others."""
        with self._lock:
            for mark in marks:
                self._since.pop(mark, None)

    def look_failed(self) -> None:
        """The look did not come to its end: the next may follow at once."""
        with self._lock:
            self._looked_at = float("-inf")

    @property
    def seconds_until_look(self) -> float | None:
        """When :meth:`to_look_for` has something to say; ``None``: nothing is in doubt."""
        if not self._since:
            return None
        return max(0.0, self._looked_at + LOOK_EVERY_SECONDS - self._clock())
