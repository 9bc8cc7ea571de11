"""Work that a request waits for, for a limited time."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

Result = TypeVar("Result")


class NoneFree(Exception):
    """All places are taken by other errands."""


class Overdue(Exception):
    """The errand takes longer than its caller can wait; it keeps running."""


class Errands:
    """At most ``count`` at a time, each in a thread of its own.

    The threads are daemons: one that waits for a database that never answers blocks neither the
    server's threads nor the end of the process.
    """

    def __init__(self, name: str, *, count: int) -> None:
        self._name = name
        self._count = count
        self._under_way = 0
        self._overdue: set[Future[Any]] = set()
        self._changed = threading.Condition()

    def run(
        self,
        errand: Callable[[], Result],
        *,
        patience_seconds: float,
        queue_seconds: float = 0.0,
    ) -> Result:
        """What ``errand`` returns or raises.

        Raises :class:`NoneFree` when it cannot begin within ``queue_seconds``, at once when all
        that are under way are overdue, and :class:`Overdue` when it is not done in time.
        """
        self._enter(queue_seconds)
        future: Future[Result] = Future()
        thread = threading.Thread(
            target=self._work, args=(errand, future), name=self._name, daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # The system gave no thread; the place must be free again.
            self._leave(future)
            raise
        with self._changed:
            if not self._changed.wait_for(future.done, patience_seconds):
                self._overdue.add(future)
                raise Overdue
        return future.result()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until none is under way, at most so long; whether that was reached."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, max(0.0, seconds))

    def _enter(self, queue_seconds: float) -> None:
        with self._changed:
            ends_at = time.monotonic() + queue_seconds
            while self._under_way >= self._count:
                left = ends_at - time.monotonic()
                if left <= 0 or len(self._overdue) >= self._count:
                    raise NoneFree
                self._changed.wait(left)
            self._under_way += 1

    def _work(self, errand: Callable[[], Result], future: Future[Result]) -> None:
        end: Callable[[], None]
        try:
            end = partial(future.set_result, errand())
        except Exception as error:  # noqa: BLE001  raised where it is waited for
            end = partial(future.set_exception, error)
        with self._changed:
            end()
            self._leave(future)

    def _leave(self, future: Future[Any]) -> None:
        with self._changed:
            self._under_way -= 1
            self._overdue.discard(future)
            self._changed.notify_all()
