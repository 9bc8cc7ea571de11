"""Connections that wait for their next request."""

import threading
import time
from collections.abc import Callable, Hashable

from storyboard_worker.wire.connection import Connection

MOST_IDLE = 32


class IdleConnections:
    """Shared by all threads, and maybe by several transports; a connection in here is in use by
    none. ``place`` is whom it leads to, and for whom it was made.

    There are never more than ``most``, wherever they lead: the one that was used longest ago makes
    room for another.
    ``max_idle_seconds`` should be shorter than what servers allow, because a connection that
    the peer closes just as a request leaves costs that request.
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
        # For each place the connection that came last stands last.
        self._idle: dict[Hashable, list[tuple[float, Connection]]] = {}
        self._closed = False

    def take(self, place: Hashable) -> Connection | None:
        """The connection to ``place`` that was used last and is still good.

        Each is looked at, whatever its age: what a peer has sent unasked would be taken for the
        answer to the next request.
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
                self._idle.setdefault(place, []).append((self._clock(), connection))
                self._count += 1
                if self._count > self._most:
                    dropped.append(self._remove_oldest())
        _close_all(dropped)

    def evict(self) -> int:
        """Close what is idle now, because somebody lacks what it holds; how many there were."""
        with self._lock:
            idle = [connection for waiting in self._idle.values() for _, connection in waiting]
            self._idle.clear()
            self._count = 0
        _close_all(idle)
        return len(idle)

    def close(self) -> None:
        """Close what is idle now, and whatever is put here from now on."""
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
        """Of every place: nobody may ever ask for that host again."""
        oldest = self._clock() - self._max_idle_seconds
        stale = []
        for place, waiting in list(self._idle.items()):
            while waiting and waiting[0][0] <= oldest:
                stale.append(waiting.pop(0)[1])
            if not waiting:
                del self._idle[place]
        self._count -= len(stale)
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
