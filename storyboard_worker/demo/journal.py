"""What a stand-in has seen, in order; a test waits for the n-th entry instead of sleeping."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from storyboard_worker.demo.exchange import Request

Entry = TypeVar("Entry")


class Journal(Generic[Entry]):
    """Written by the server's threads, read by the test's."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._grown = threading.Condition()

    def add(self, entry: Entry) -> None:
        with self._grown:
            self._entries.append(entry)
            self._grown.notify_all()

    def entries(self) -> list[Entry]:
        """A copy of all entries so far."""
        with self._grown:
            return list(self._entries)

    def count(self) -> int:
        with self._grown:
            return len(self._entries)

    def wait_for(self, count: int, timeout_seconds: float) -> list[Entry]:
        """All entries, once there are ``count``; :class:`TimeoutError` if that takes too long."""
        with self._grown:
            if not self._grown.wait_for(lambda: len(self._entries) >= count, timeout_seconds):
                raise TimeoutError(
                    f"{len(self._entries)} of {count} came within {timeout_seconds} s"
                )
            return list(self._entries)


@dataclass(frozen=True)
class ReceivedRequest:
    """``path`` without the query; ``arrived_at`` by :func:`time.monotonic`."""

    method: str
    path: str
    headers: Mapping[str, str]
    arrived_at: float


def received(request: Request) -> ReceivedRequest:
    return ReceivedRequest(request.method, request.path, request.headers, time.monotonic())
