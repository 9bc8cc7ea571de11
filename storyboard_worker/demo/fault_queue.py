"""The misbehaviour that a stand-in has been asked for, in order."""

import threading
from collections import deque
from typing import Generic, TypeVar

Fault = TypeVar("Fault")


class FaultQueue(Generic[Fault]):
    """Each request takes one fault. ``None`` times means until :meth:`clear`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Fault, int | None]] = deque()

    def add(self, fault: Fault, times: int | None) -> None:
        with self._lock:
            self._waiting.append((fault, times))

    def take(self) -> Fault | None:
        with self._lock:
            if not self._waiting:
                return None
            fault, times = self._waiting[0]
            if times is not None:
                self._waiting.popleft()
                if times > 1:
                    self._waiting.appendleft((fault, times - 1))
            return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
