"""Claims whose answer never came.

A connection may break after the server has committed a claim and before its answer has arrived.
Then the rows are ours and we do not know them. They would wait until their lease runs out, and
lose an attempt. So all tokens of one claim begin with the same mark, and no other claim has it.
By the mark the rows can be found and given back.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storyboard_worker.errors import DataRefused, NotReached, SchemaOutdated

# A mark is the beginning of a uuid, as text: «0f4e1a2b-77c0».
MARK_CHARACTERS = 13
# A proxy may hold a message back and deliver it late. Then the claim follows the first look.
LOOKED_FOR_SECONDS = 120.0
LOOK_EVERY_SECONDS = 1.0


class UnansweredClaims:
    """The marks of one worker's unanswered claims. Its threads may claim at the same time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    @contextmanager
    def marked(self) -> Iterator[str]:
        """Wraps one claim and yields the mark for its tokens.

        After an error the claim counts as unanswered, unless the error proves that the database
        was not asked or has answered.
        """
        digits = secrets.token_hex(6)
        mark = f"{digits[:8]}-{digits[8:]}"
        try:
            yield mark
        except (NotReached, DataRefused, SchemaOutdated):
            # The database was not asked, or it answered.
            raise
        except BaseException:
            with self._lock:
                self._since[mark] = self._clock()
                self._looked_at = float("-inf")
            raise

    def to_look_for(self) -> list[str]:
        """The marks of unanswered claims if it is time for a look, else an empty list."""
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
        """All rows with these marks have been given back.

        A claim is one transaction, so no more rows with its mark will appear.
        """
        with self._lock:
            for mark in marks:
                self._since.pop(mark, None)

    def look_failed(self) -> None:
        """The look failed. The next one may follow at once."""
        with self._lock:
            self._looked_at = float("-inf")

    @property
    def seconds_until_look(self) -> float | None:
        """Seconds until :meth:`to_look_for` answers with marks; ``None`` if every claim was
        answered."""
        if not self._since:
            return None
        return max(0.0, self._looked_at + LOOK_EVERY_SECONDS - self._clock())
