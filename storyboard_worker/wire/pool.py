"""Connections that wait for their next request."""

import threading
import time
from collections.abc import Callable

from storyboard_worker.wire.connection import Connection
from storyboard_worker.wire.dialing import Origin


class IdleConnections:
    """Shared by all threads; a connection in here is in use by none.

    ``max_idle_seconds`` should be shorter than what servers allow, because a connection that
    the peer closes just as a request leaves costs that request.
    """

    def __init__(
        self, max_idle_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_idle_seconds = max_idle_seconds
        self._clock = clock
        self._lock = threading.Lock()
        # For each origin the connection that came last stands last.
        self._idle: dict[Origin, list[tuple[float, Connection]]] = {}
        self._closed = False

    def take(self, origin: Origin) -> Connection | None:
        """The connection to ``origin`` that was used last and is still good.

        Each is looked at, whatever its age: what a peer has sent unasked would be taken for the
        answer to the next request.
        """
        while connection := self._pop(origin):
            if connection.is_quiet:
                return connection
            connection.close()
        return None

    def put(self, origin: Origin, connection: Connection) -> None:
        with self._lock:
            stale = self._remove_stale()
            if self._closed:
                stale.append(connection)
            else:
                self._idle.setdefault(origin, []).append((self._clock(), connection))
        _close_all(stale)

    def close(self) -> None:
        """Close what is idle now, and whatever is put here from now on."""
        with self._lock:
            self._closed = True
            idle = [connection for waiting in self._idle.values() for _, connection in waiting]
            self._idle.clear()
        _close_all(idle)

    def _pop(self, origin: Origin) -> Connection | None:
        with self._lock:
            stale = self._remove_stale()
            waiting = self._idle.get(origin)
            found = waiting.pop()[1] if waiting else None
        _close_all(stale)
        return found

    def _remove_stale(self) -> list[Connection]:
        """Of every origin: nobody may ever ask for that host again."""
        oldest = self._clock() - self._max_idle_seconds
        stale = []
        for origin, waiting in list(self._idle.items()):
            while waiting and waiting[0][0] <= oldest:
                stale.append(waiting.pop(0)[1])
            if not waiting:
                del self._idle[origin]
        return stale


def _close_all(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()
