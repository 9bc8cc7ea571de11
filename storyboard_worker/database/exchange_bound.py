"""The time that one exchange with the database may take, as each thread sees it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from storyboard_worker.database.bounded_connection import BoundedConnection

TIMEOUT_SECONDS = 15.0
# Waiting for a free connection may add so much to the time of an exchange.
POOL_TIMEOUT_SECONDS = 5.0
SHORTEST_SECONDS = 1.0


class ExchangeBound(threading.local):
    """When the exchange of this thread has to end, on the monotonic clock.

    An exchange is waiting for a connection, making one, and all that is asked on it from BEGIN to
    COMMIT. ``latest`` is a moment that no exchange of the thread may pass.
    """

    timeout_seconds: float = TIMEOUT_SECONDS
    ends_at: float | None = None
    latest: float | None = None

    @contextmanager
    def bounded(self, timeout_seconds: float) -> Iterator[None]:
        """Wraps one exchange. One inside another leaves the outer bound as it was."""
        before = self.ends_at
        self.renew(timeout_seconds)
        try:
            yield
        finally:
            self.ends_at = before

    def renew(self, timeout_seconds: float) -> None:
        """Give the exchange ``timeout_seconds`` from now, or what ``latest`` leaves of them."""
        self.timeout_seconds = timeout_seconds
        self.ends_at = time.monotonic() + timeout_seconds + POOL_TIMEOUT_SECONDS
        if self.latest is not None:
            # An exchange gets at least the time that one needs to succeed.
            soonest = time.monotonic() + min(SHORTEST_SECONDS, timeout_seconds)
            self.ends_at = max(soonest, min(self.ends_at, self.latest))

    def bind(self, connection: BoundedConnection) -> None:
        """Give ``connection`` the time that is left, at most one time-out.

        The bound also holds while the connection is tidied up for its return to the pool.
        """
        answered_by = time.monotonic() + self.timeout_seconds
        connection.ends_at = min(answered_by, self.ends_at or answered_by)
