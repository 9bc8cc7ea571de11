"""One read for many callers: the database is asked once, and each caller waits a limited time."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, NoReturn, TypeVar

from storyboard_worker.errors import DatabaseUnavailable

Found = TypeVar("Found")


class CachedRead(Generic[Found]):
    """What ``read`` found, or the error that it raised, at most ``fresh_seconds`` ago.

    One read is under way at a time, in a thread of its own. Callers wait for it, but no longer than
    until ``patience_seconds`` after it began.
    """

    def __init__(
        self, read: Callable[[], Found], *, fresh_seconds: float, patience_seconds: float
    ) -> None:
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._patience_seconds = patience_seconds
        self._changed = threading.Condition()
        self._under_way = False
        self._is_outdated = False
        self._began_at = 0.0
        self._ended_at = float("-inf")
        self._result: Callable[[], Found] = partial(_raise, DatabaseUnavailable("not asked yet"))

    def __call__(self) -> Found:
        """Raises what ``read`` raises, and :class:`DatabaseUnavailable` when it takes too long."""
        with self._changed:
            if not self._under_way and time.monotonic() - self._ended_at > self._fresh_seconds:
                self._begin()
            left = self._began_at + self._patience_seconds - time.monotonic()
            if not self._changed.wait_for(lambda: not self._under_way, max(0.0, left)):
                waited = time.monotonic() - self._began_at
                raise DatabaseUnavailable(f"the database has not answered for {waited:.0f} s")
            return self._result()

    def forget(self) -> None:
        """What was found is out of date: the next caller reads anew.

        A read that is under way may miss the change. Those who wait for it get it all the same; it
        is out of date as soon as it ends.
        """
        with self._changed:
            self._ended_at = float("-inf")
            self._is_outdated = self._under_way

    def _begin(self) -> None:
        threading.Thread(target=self._run, name="cached read", daemon=True).start()
        self._under_way = True
        self._began_at = time.monotonic()

    def _run(self) -> None:
        result: Callable[[], Found]
        try:
            result = partial(_give, self._read())
        except Exception as error:  # noqa: BLE001  raised to each caller
            result = partial(_raise, error)
        with self._changed:
            self._result = result
            self._ended_at = float("-inf") if self._is_outdated else time.monotonic()
            self._is_outdated = self._under_way = False
            self._changed.notify_all()


def _give(found: Found) -> Found:
    return found


def _raise(error: Exception) -> NoReturn:
    raise error
