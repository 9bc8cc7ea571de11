"""The hard end of one attempt, which every wait on the network observes.

The time-out of an HTTP client bounds one read, and a source that sends one byte a second never
reaches it. A :class:`Deadline` bounds the whole attempt. Another thread can cancel it
(shutdown, lost lease), which wakes a thread that waits in a socket.
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
        # The attempt has not begun; it waits for its slot.
        self._prolonged_until = math.inf
        self._is_cancelled = False
        # Made for those who wait for it, which few attempts do: to make one takes longer than to
        # make all the rest of an attempt.
        self._cancellation: threading.Event | None = None
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Count the time from now. The wait for a slot does not count."""
        self._ends_at = self._prolonged_until = self._clock() + self._seconds

    def prolong(self) -> None:
        """Note that the attempt waits for the database, which does not count as a hang.

        The attempt becomes overdue when this has not been called for the time of a whole attempt.
        """
        self._prolonged_until = self._clock() + self._seconds

    @property
    def overdue(self) -> bool:
        """True if the attempt hangs: it ought to have noticed that its time is up."""
        return self._clock() > self._prolonged_until

    @property
    def cancelled(self) -> bool:
        return self._is_cancelled

    @property
    def expired(self) -> bool:
        """True when the time is up or the attempt was cancelled."""
        return self._is_cancelled or self._clock() >= self._ends_at

    def remaining_seconds(self) -> float:
        """Never negative; 0 after :meth:`cancel`."""
        return 0.0 if self._is_cancelled else max(0.0, self._ends_at - self._clock())

    def wait_until_cancelled(self, seconds: float) -> bool:
        """Wait at most ``seconds``; true as soon as the attempt is cancelled."""
        with self._lock:
            if self._cancellation is None:
                self._cancellation = threading.Event()
            if self._is_cancelled:
                self._cancellation.set()
        return self._cancellation.wait(seconds)

    def check(self, upstream: str | None) -> None:
        """Raises :class:`AttemptCancelled` or, when the time is up, ``attempt_timeout``.

        It is called after a wait on the network has failed, because a deadline that has passed
        shows up as an error of the connection.
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
        """End the attempt now. A thread that waits in a watched socket is woken."""
        with self._lock:
            self._is_cancelled = True
            if self._cancellation is not None:
                self._cancellation.set()
            for sock in self._sockets:
                # sock.shutdown() on a TLS socket would remove the TLS state that the reading
                # thread still uses. The plain call only shuts the connection.
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @contextmanager
    def watching(self, sock: socket.socket) -> Iterator[None]:
        """Within the block, :meth:`cancel` shuts ``sock`` down."""
        self.watch(sock)
        try:
            yield
        finally:
            self.unwatch(sock)

    def watch(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.add(sock)
            if self._is_cancelled:
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def unwatch(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(sock)
