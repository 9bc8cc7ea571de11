"""Connections that wait for their next request."""

import math
import threading
import time
from collections.abc import Callable, Hashable

from storyboard_worker.wire.connection import Connection

MOST_IDLE = 32


class IdleConnections:
    """The idle connections of all threads, and maybe of several transports.

    ``place`` names the transport that made a connection and the origin that it leads to. There
    are never more than ``most`` connections; the one that was used longest ago makes room for
    another. ``max_idle_seconds`` should be shorter than what servers allow: a connection that
    the peer closes while a request is sent costs that request.
    """

    def __init__(
        self,
        max_idle_seconds: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
        *,
        most: int = MOST_IDLE,
    ) -> None:
        self._max_idle_seconds = max_idle_seconds
        self._most = most
        self._count = 0
        self._clock = clock
        self._lock = threading.Lock()
        # The connection that was put here last is last in the list of its place.
        self._idle: dict[Hashable, list[tuple[float, Connection]]] = {}
        self._closed = False
        # No connection is stale before.
        self._stale_at = math.inf

    def take(self, place: Hashable) -> Connection | None:
        """The connection to ``place`` that was used last and is still good.

        A connection of any age is checked first, because bytes that a peer has sent unasked
        would be taken for the answer to the next request.
        """
        while connection := self._pop(place):
            if connection.is_quiet:
                return connection
            connection.close()
        return None

    def put(self, place: Hashable, connection: Connection) -> None:
        with self._lock:
            dropped = self._remove_stale()
            if self._closed:
                dropped.append(connection)
            else:
                now = self._clock()
                self._idle.setdefault(place, []).append((now, connection))
                self._stale_at = min(self._stale_at, now + self._max_idle_seconds)
                self._count += 1
                if self._count > self._most:
                    dropped.append(self._remove_oldest())
        _close_all(dropped)

    def evict(self) -> int:
        """Close all idle connections to free their descriptors; how many there were."""
        with self._lock:
            idle = [connection for waiting in self._idle.values() for _, connection in waiting]
            self._idle.clear()
            self._count = 0
        _close_all(idle)
        return len(idle)

    def close(self) -> None:
        """Close all idle connections, and each that is put here from now on."""
        with self._lock:
            self._closed = True
        self.evict()

    def _pop(self, place: Hashable) -> Connection | None:
        with self._lock:
            stale = self._remove_stale()
            waiting = self._idle.get(place)
            found = waiting.pop()[1] if waiting else None
            self._count -= found is not None
        _close_all(stale)
        return found

    def _remove_stale(self) -> list[Connection]:
        """It looks at every place, because a host may never be asked for again."""
        now = self._clock()
        if now < self._stale_at:
            return []
        oldest = now - self._max_idle_seconds
        stale = []
        for place, waiting in list(self._idle.items()):
            while waiting and waiting[0][0] <= oldest:
                stale.append(waiting.pop(0)[1])
            if not waiting:
                del self._idle[place]
        self._count -= len(stale)
        left = (waiting[0][0] for waiting in self._idle.values())
        self._stale_at = min(left, default=math.inf) + self._max_idle_seconds
        return stale

    def _remove_oldest(self) -> Connection:
        place = min(
            (place for place, waiting in self._idle.items() if waiting),
            key=lambda place: self._idle[place][0][0],
        )
        self._count -= 1
        return self._idle[place].pop(0)[1]


def _close_all(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()
