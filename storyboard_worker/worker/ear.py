"""The connection on which notifications come, as two threads share it.

The listener's thread opens it and proves that it hears. From then on the claim loop itself waits
on it, so that no other thread stands between a notification and a claim.
"""

import threading

import psycopg
from psycopg.pq.abc import PGconn

from storyboard_worker.worker.proofs import Proofs


class Ear:
    """``proofs`` are told of each proof that is heard. It is closed at first."""

    def __init__(self, proofs: Proofs) -> None:
        self._proofs = proofs
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None
        self._fault: psycopg.Error | None = None
        self._broke = threading.Event()

    def open(self, connection: psycopg.Connection) -> None:
        """Hear on ``connection``, which has sent LISTEN."""
        with self._lock:
            self._connection, self._fault = connection, None
            self._broke.clear()

    def close(self) -> None:
        """Use the connection no more."""
        with self._lock:
            self._connection = None

    @property
    def descriptor(self) -> int | None:
        """Becomes readable when there is something to :meth:`hear`; ``None`` while closed."""
        connection = self._connection
        if connection is None:
            return None
        try:
            return connection.fileno()
        except psycopg.Error:
            # It was closed this moment, by the listener or by its peer.
            return None

    def hear(self) -> bool:
        """Read what has come, without waiting; whether a row has arrived.

        For any thread. A connection that breaks is let go of, and :meth:`wait_for_break` tells.
        """
        with self._lock:
            if self._connection is None:
                return False
            try:
                heard = _payloads(self._connection.pgconn)
            except psycopg.Error as error:
                self._connection, self._fault = None, error
                self._broke.set()
                return False
        return [self._proofs.heard(payload) for payload in heard].count(False) > 0

    def wait_for_break(self, seconds: float) -> None:
        """Return after so long. Raises psycopg's error as soon as the connection is broken."""
        if self._broke.wait(seconds):
            assert self._fault is not None
            raise self._fault


def _payloads(connection: PGconn) -> list[str]:
    """Of all notifications that have come."""
    # `Connection.notifies` takes 0.1 ms, which each new row would wait.
    connection.consume_input()
    payloads = []
    while (notification := connection.notifies()) is not None:
        payloads.append(notification.extra.decode("utf-8", "replace"))
    return payloads
