"""Reads of single rows for very many callers: one statement for several, and a short memory."""

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto
from typing import Generic, NamedTuple, TypeVar, cast

from storyboard_worker.errors import DatabaseUnavailable

Key = TypeVar("Key")
Found = TypeVar("Found")

MOST_REMEMBERED = 10_000
MOST_AT_ONCE = 200
# Its thread waits so long for more to read before it ends.
LINGER_SECONDS = 2.0
# Reads that no thread waits for begin so far apart, so that each takes many keys.
APART_SECONDS = 0.05
# Of the time for which it is fresh.
RENEWED_AFTER = 0.4


class _Entry(NamedTuple):
    """``error`` is what the read of this key raised. ``found`` is a ``Found`` or ``None``."""

    found: object
    error: Exception | None
    read_at: float


class Recent(NamedTuple, Generic[Found]):
    """``found`` is ``None`` if there is no such key."""

    found: Found | None


class Soon(Enum):
    """The key is being read."""

    SOON = auto()


class SharedReads(Generic[Key, Found]):
    """What ``read`` found for a key at most ``fresh_seconds`` ago, or the error that it raised.

    What is older than a part of that is answered all the same and read again behind it, so callers
    of a key that is often asked for do not wait.

    ``read`` takes several keys and leaves out those that do not exist. One read is under way at a
    time, in a thread of its own; the keys asked for in the meantime share the next one. Callers
    wait at most ``patience_seconds``, and not at all while a read has been under way for longer.
    ``on_read`` is called, in the thread of the reads, when there is an end to what was
    :attr:`Soon.SOON`.
    """

    def __init__(
        self,
        read: Callable[[Collection[Key]], Mapping[Key, Found]],
        *,
        fresh_seconds: float,
        patience_seconds: float,
        on_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._read = read
        self._on_read = on_read
        self._fresh_seconds = fresh_seconds
        self._patience_seconds = patience_seconds
        self._changed = threading.Condition()
        self._entries: dict[Key, _Entry] = {}
        self._asked: dict[Key, None] = {}
        self._reading: frozenset[Key] = frozenset()
        self._began_at = 0.0
        self._has_thread = False
        self._waiting = 0
        self._is_awaited = False

    def __call__(self, key: Key) -> Found | None:
        """``None`` if there is no such key.

        Raises what ``read`` raises, and :class:`DatabaseUnavailable` when it takes too long.
        """
        recent = self.recent(key)
        if isinstance(recent, Recent):
            return recent.found
        entry = self._entries.get(key)
        if entry is None or self._age(entry) > self._fresh_seconds:
            entry = self._read_anew(key)
        if entry.error is not None:
            raise entry.error
        return cast("Found | None", entry.found)

    def recent(self, key: Key, since: float = math.inf) -> Recent[Found] | Soon | None:
        """What is remembered, without waiting or raising.

        What was read after the moment ``since`` (monotonic) counts, however old it is. ``None``
        where a call would raise, or would have to start the thread of the reads.
        """
        entry = self._entries.get(key)
        if entry is None:
            return self._soon(key)
        age_seconds = self._age(entry)
        if age_seconds > self._fresh_seconds and entry.read_at < since:
            return self._soon(key)
        if entry.error is not None:
            return None
        if age_seconds > self._fresh_seconds * RENEWED_AFTER and key not in self._asked:
            self._renew(key)
        return Recent(cast("Found | None", entry.found))

    def _soon(self, key: Key) -> Soon | None:
        if not self._has_thread or self._is_overdue():
            return None
        # Before the key is asked for: its read may end at once.
        self._is_awaited = True
        with self._changed:
            self._ask(key)
        return Soon.SOON

    def _renew(self, key: Key) -> None:
        if self._has_thread:
            with self._changed:
                self._ask(key)

    def _is_overdue(self) -> bool:
        under_way_seconds = time.monotonic() - self._began_at
        return bool(self._reading) and under_way_seconds > self._patience_seconds

    def _age(self, entry: _Entry) -> float:
        return time.monotonic() - entry.read_at

    def _read_anew(self, key: Key) -> _Entry:
        with self._changed:
            if self._is_overdue():
                raise DatabaseUnavailable("the database does not answer")
            asked_at = time.monotonic()
            self._waiting += 1
            self._ask(key)
            self._changed.wait_for(
                lambda: self._read_since(asked_at, key) is not None, self._patience_seconds
            )
            self._waiting -= 1
            entry = self._read_since(asked_at, key)
            if entry is None:
                self._asked.pop(key, None)
                raise DatabaseUnavailable("the row could not be read in time")
            return entry

    def _read_since(self, moment: float, key: Key) -> _Entry | None:
        entry = self._entries.get(key)
        return entry if entry is not None and entry.read_at >= moment else None

    def _ask(self, key: Key) -> None:
        if key in self._reading:
            return
        if not self._has_thread:
            threading.Thread(target=self._run, name="shared read", daemon=True).start()
            self._has_thread = True
        is_first = not self._asked
        self._asked[key] = None
        if is_first or self._waiting:
            self._changed.notify_all()

    def _run(self) -> None:
        while keys := self._next():
            entries = self._entries_of(keys)
            with self._changed:
                self._remember(entries)
                self._reading = frozenset()
                self._changed.notify_all()
            if self._is_awaited:
                self._is_awaited = False
                self._on_read()

    def _next(self) -> frozenset[Key]:
        """The keys of the next read; none when the thread should end."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked, LINGER_SECONDS)
            left = self._began_at + APART_SECONDS - time.monotonic()
            self._changed.wait_for(lambda: self._waiting, max(0.0, left))
            keys = list(self._asked)[:MOST_AT_ONCE]
            for key in keys:
                del self._asked[key]
            self._reading = frozenset(keys)
            self._began_at = time.monotonic()
            self._has_thread = bool(keys)
            return self._reading

    def _entries_of(self, keys: Collection[Key]) -> dict[Key, _Entry]:
        try:
            found = self._read(keys)
        except Exception as error:  # noqa: BLE001  raised to each caller
            failed = _Entry(None, error, time.monotonic())
            return dict.fromkeys(keys, failed)
        now = time.monotonic()
        return {key: _Entry(found.get(key), None, now) for key in keys}

    def _remember(self, entries: Mapping[Key, _Entry]) -> None:
        """The oldest are at the front, and go first."""
        for key in entries:
            self._entries.pop(key, None)
        self._entries.update(entries)
        for key in list(self._entries)[: max(0, len(self._entries) - MOST_REMEMBERED)]:
            del self._entries[key]
