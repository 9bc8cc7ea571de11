"""The hard end of one attempt, honoured by every wait on the network.

A time-out of an HTTP client bounds one read; a source that drips a byte a second never
meets it. A :class:`Deadline` bounds the whole attempt instead, and can be brought forward
from another thread (shutdown, lost lease), which wakes a thread blocked in a socket.
"""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from storyboard_worker.errors import AttemptCancelled, AttemptError, ErrorCode


class Deadline:
    """A moment on the monotonic clock after which an attempt may not wait any longer."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._ends_at = clock() + seconds
        # Not begun: it waits for its slot.
        self._prolonged_until = math.inf
        self._cancelled = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Count the time from now; what waited before does not count."""
        self._ends_at = self._prolonged_until = self._clock() + self._seconds

    def prolong(self) -> None:
        """The attempt waits for the database, which is not the network's time: it counts as
        overdue only when this has not been said for as long as an attempt may take."""
        self._prolonged_until = self._clock() + self._seconds

    @property
    def overdue(self) -> bool:
        """Something hangs that ought to have seen that the time is up."""
        return self._clock() > self._prolonged_until

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def expired(self) -> bool:
        """True when the time is up or the attempt was cancelled."""
        return self.remaining_seconds() <= 0

    def remaining_seconds(self) -> float:
        """Never negative; 0 once cancelled."""
        return 0.0 if self.cancelled else max(0.0, self._ends_at - self._clock())

    def wait_until_cancelled(self, seconds: float) -> bool:
        """Wait, at most so long; true as soon as the attempt is cancelled."""
        return self._cancelled.wait(seconds)

    def check(self, upstream: str | None) -> None:
        """Raises :class:`AttemptCancelled` or, when the time is up, ``attempt_timeout``.

        Asked after a wait on the network ended badly, because a passed deadline shows there
        as an error of the connection.
        """
        if self.cancelled:
            raise AttemptCancelled
        if self.expired:
            raise AttemptError(
                ErrorCode.ATTEMPT_TIMEOUT,
                f"the attempt took longer than {self._seconds:g} s",
                upstream=upstream,
            )

    def cancel(self) -> None:
        """End the attempt now: whoever waits in a watched socket is woken."""
        with self._lock:
            self._cancelled.set()
            for sock in self._sockets:
                # Not sock.shutdown(): on a TLS socket that would pull the TLS state from
                # under the thread that is reading. The plain call only shuts the connection.
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @contextmanager
    def watching(self, sock: socket.socket) -> Iterator[None]:
        """While inside, :meth:`cancel` shuts ``sock`` down."""
        self.watch(sock)
        try:
            yield
        finally:
            self.unwatch(sock)

    def watch(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.add(sock)
            if self.cancelled:
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def unwatch(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(sock)
