"""Writes the items of many threads in one transaction, and a single item at once.

A thread that comes while a write is under way joins a queue. The next writer takes the whole
queue. So a transaction carries more items the busier the worker is. Databases write their logs
in the same way.
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
    """``write`` takes items and returns, for each, ``None`` or the error for its thread.

    If it raises that the database is away, that holds for all of them. After any other error each
    item is written by itself, so that one bad item does not fail the others.
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
        """Return once ``item`` is written, or raise its error."""
        entry = _Entry(item)
        with self._queueing:
            self._queue.append(entry)
        with self._writing:
            # The writer before may have written this item with its own.
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
            # The database is away. To ask again for each item would only take longer.
            verdicts = [error] * len(batch)
        except Exception as error:  # noqa: BLE001  raised in the thread of the item
            if len(batch) > 1:
                for entry in batch:
                    self._write_batch([entry])
                return
            verdicts = [error]
        for entry, verdict in zip(batch, verdicts, strict=True):
            entry.settle(verdict)
