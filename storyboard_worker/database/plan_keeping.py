"""Whether the sessions of a pool keep plans, and what happens when one turns out not to."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from storyboard_worker.database.bounded_connection import BoundedConnection
from storyboard_worker.database.one_round_trip import Call, exchange
from storyboard_worker.logs import event

SUSPENDED_SECONDS = 600.0
# «prepared statement … does not exist», «… already exists», «cached plan must not change result
# type»: a pooler, a DISCARD ALL or a migration has come in between.
PLAN_SQLSTATES = frozenset({"26000", "42P05", "0A000"})


class PlanKeeping:
    """For one pool. Until :attr:`allowed` is set nothing is prepared.

    Behind a transaction pooler the next transaction may run in another session, which lacks what
    the last one prepared. So it is to be set only while sessions are known to be the pool's own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._suspended_until = float("-inf")
        self.allowed = False

    def exchange(
        self, connection: BoundedConnection, opening: str, calls: Sequence[Call[Any]]
    ) -> list[list[Any]]:
        """Like :func:`.one_round_trip.exchange`, with the plans that ``connection`` keeps.

        Where these are to blame for a failure, the calls are sent again without them.
        """
        if self.are_kept:
            try:
                return exchange(connection, opening, calls, plans=connection.plans)
            except psycopg.Error as error:
                # Another error, too, has undone the whole transaction, but it would come again.
                if not self.is_to_blame(connection, error):
                    raise
        return exchange(connection, opening, calls)

    @property
    def are_kept(self) -> bool:
        """Whether sessions may keep plans now."""
        return self.allowed and self._clock() >= self._suspended_until

    def is_to_blame(self, connection: BoundedConnection, error: psycopg.Error) -> bool:
        """Whether a plan that ``connection`` should have caused ``error``. If so, the transaction
        is undone, and no plans are kept for a while."""
        if connection.closed or error.sqlstate not in PLAN_SQLSTATES:
            return False
        self._suspend(connection, error)
        return True

    def _suspend(self, connection: BoundedConnection, error: psycopg.Error) -> None:
        connection.plans.lose_all()
        self._suspended_until = self._clock() + SUSPENDED_SECONDS
        event(
            logging.INFO,
            "no plans are kept for a while",
            reason=error.diag.message_primary,
            seconds=SUSPENDED_SECONDS,
        )
