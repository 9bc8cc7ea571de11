"""Writing what many threads bring in one transaction, without making anybody wait for it.

Whoever comes while a write is under way queues up; the next to write takes all that queue.
So a lone row is written at once, and under load one transaction carries many: the busier,
the more. Databases write their logs like this.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class _Entry(Generic[Item]):
    def __init__(self, item: Item) -> None:
        self.item = item
        self.written = False
        self.error: Exception | None = None


class GroupCommit(Generic[Item]):
    """``write`` takes items and returns, for each, ``None`` or the error its bringer shall see;
    what it raises is seen by all of them."""

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
        verdicts: Sequence[Exception | None]
        try:
            verdicts = self._write([entry.item for entry in batch])
        except Exception as error:  # noqa: BLE001  handed to everybody whose item it was
            # One each: an exception that several threads raise would mix their tracebacks.
            verdicts = [_like(error) for _ in batch]
        for entry, verdict in zip(batch, verdicts, strict=True):
            entry.error = verdict
            entry.written = True


def _like(error: Exception) -> Exception:
    copy = type(error)(*error.args)
    copy.__cause__ = error
    return copy
