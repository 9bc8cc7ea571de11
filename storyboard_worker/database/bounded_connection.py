"""A connection whose every wait ends.

A peer (a pooler, a proxy, a firewall) may acknowledge every byte and never answer. TCP's
keep-alive tests only the nearest kernel, and the server's own time-outs are lost when its answers
are. So the client limits the time.
"""

import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property

import psycopg
from psycopg import abc

from storyboard_worker.database.kept_plans import KeptPlans

# How often a wait checks for signals.
INTERVAL_SECONDS = 0.1
# How often a wait checks whether the process has to end soon.
SLICE_SECONDS = 1.0


class Haste:
    """The process ends. Waits that began ``before`` that moment have to end by ``ends_at``."""

    before: float = -math.inf
    ends_at: float = math.inf


class GivenUp(psycopg.OperationalError):
    """The database left an exchange unanswered for too long."""


class BoundedConnection(psycopg.Connection[psycopg.rows.TupleRow]):
    """Its peer must answer each exchange within ``timeout_seconds``. Otherwise it closes the
    connection and raises :class:`GivenUp`.

    ``ends_at``, on the monotonic clock, limits several exchanges together (BEGIN to COMMIT).
    ``is_at_work`` is called when the time is up. While it says yes, the wait goes on.
    """

    timeout_seconds: float = 15.0
    ends_at: float | None = None
    haste: Haste | None = None
    is_at_work: Callable[[], bool] | None = None

    @cached_property
    def plans(self) -> KeptPlans:
        """What its session has prepared."""
        return KeptPlans()

    def wait(
        self,
        gen: abc.PQGen[abc.RV],
        interval: float = INTERVAL_SECONDS,
        timeout: float | None = None,
    ) -> abc.RV:
        if timeout is not None:
            # A wait for notifications. No answer is due, so none is late.
            return super().wait(gen, interval, timeout)
        began_at = time.monotonic()
        while True:
            remaining_seconds = self._ends_at(began_at) - time.monotonic()
            try:
                return super().wait(
                    gen, interval, timeout=max(0.0, min(remaining_seconds, SLICE_SECONDS))
                )
            except psycopg.OperationalError as error:
                # The driver's own error for the end of a wait has no public name.
                if self.closed or not _is_over(error):
                    raise
                if time.monotonic() < self._ends_at(began_at):
                    continue
                if self.is_at_work is None or not self.is_at_work():
                    self.give_up()
                    raise GivenUp(f"no answer within {self.timeout_seconds:g} s") from error
                began_at = time.monotonic()

    def _ends_at(self, began_at: float) -> float:
        ends_at = self.ends_at or began_at + self.timeout_seconds
        if self.haste is None or began_at > self.haste.before:
            return ends_at
        return min(ends_at, self.haste.ends_at)

    def give_up(self) -> None:
        """Close without the usual last message, which a silent peer would not read."""
        with suppress(OSError), socket.socket(fileno=os.dup(self.pgconn.socket)) as connected:
            connected.shutdown(socket.SHUT_RDWR)
        self.close()


def _is_over(error: psycopg.OperationalError) -> bool:
    return type(error).__name__ == "_WaitTimeout"
