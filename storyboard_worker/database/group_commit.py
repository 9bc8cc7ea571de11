"""Writing what many threads bring in one transaction, without making anybody wait for it.

Whoever comes while a write is under way queues up; the next to write takes all that queue.
So a lone row is written at once, and under load one transaction carries many: the busier,
the more. Databases write their logs like this.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated

Item = TypeVar("Item")


class _Entry(Generic[Item]):
    def __init__(self, item: Item) -> None:
        self.item = item
        self.written = False
        self.error: Exception | None = None

    def settle(self, error: Exception | None) -> None:
        self.error = error
        self.written = True


class GroupCommit(Generic[Item]):
    """``write`` takes items and returns, for each, ``None`` or the error its bringer shall see.

    That the database is away is, when it raises it, for all of them. After any other error each
    item is written by itself: one that cannot be written must not take the others with it.
    """

    def __init__(
        self, write: Callable[[list[Item]], Sequence[Exception | None]], *, most: int = 100
    ) -> None:
        self._write = write
        self._most = most
        self._queue: list[_Entry[Item]] = []
        self._queueing = threading.Lock()
        self._writing = threading.Lock()

    def submit(self, item: Item) -> None:
        """Returns once ``item`` is written; raises what was said of it."""
        entry = _Entry(item)
        with self._queueing:
            self._queue.append(entry)
        with self._writing:
            # The one before us may have written our item with its own.
            while not entry.written:
                self._write_queue()
        if entry.error is not None:
            raise entry.error

    def _write_queue(self) -> None:
        with self._queueing:
            batch, self._queue = self._queue[: self._most], self._queue[self._most :]
        self._write_batch(batch)

    def _write_batch(self, batch: list[_Entry[Item]]) -> None:
        try:
            verdicts = self._write([entry.item for entry in batch])
        except (DatabaseUnavailable, SchemaOutdated) as error:
            # A database that is away: asking it again for each would only take longer.
            verdicts = [error] * len(batch)
        except Exception as error:  # noqa: BLE001  handed to those whose item it was
            if len(batch) > 1:
                for entry in batch:
                    self._write_batch([entry])
                return
            verdicts = [error]
        for entry, verdict in zip(batch, verdicts, strict=True):
            entry.settle(verdict)
