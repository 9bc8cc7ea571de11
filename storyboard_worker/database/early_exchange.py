"""An exchange with the database that is made ready before it is needed.

Its message is written and its connection is taken while the caller has nothing else to do. Then
it is sent with one system call, and the caller goes on while the database works.
"""

from contextlib import ExitStack
from typing import Any, Generic

import psycopg
from psycopg import errors
from psycopg.adapt import Transformer
from psycopg.generators import execute
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from storyboard_worker.database.one_round_trip import Call, Row
from storyboard_worker.database.plan_keeping import PlanKeeping
from storyboard_worker.database.pool import HeldConnection


class EarlyExchange(Generic[Row]):
    """``message`` runs ``call`` as a whole transaction. ``contexts`` keep the connection until the
    exchange is over.

    It is for one thread: :meth:`send` and :meth:`rows`, or neither, then :meth:`close`.
    """

    def __init__(
        self,
        held: HeldConnection,
        message: bytes,
        call: Call[Row],
        plans: PlanKeeping,
        contexts: ExitStack,
    ) -> None:
        self._held = held
        self._connection = held.connection
        self._message = message
        self._plans = plans
        self._contexts = contexts
        cursor: psycopg.ClientCursor[Any] = psycopg.ClientCursor(self._connection)
        self._make_row = call.row(cursor)
        self._loading = Transformer(self._connection)
        self._failure: psycopg.Error | None = None

    @property
    def is_possible(self) -> bool:
        """Whether it may still be sent: its session is trusted, and may keep plans."""
        return self._plans.are_kept and self._held.is_trusted() and not self._connection.closed

    def send(self) -> None:
        """Send it, and do not wait. A failure shows in :meth:`rows`."""
        try:
            self._connection.pgconn.send_query(self._message)
        except psycopg.Error as error:
            self._failure = error
        self._held.bind()

    def rows(self) -> list[Row] | None:
        """Wait for the answer. ``None``: the session has lost its plan, and nothing was done.

        Raises what :meth:`Database.run` raises.
        """
        # Giving the connection back can wait until the rows are under way.
        with self._contexts.pop_all() as contexts:
            try:
                found = self._answer()
            except psycopg.Error as error:
                if not self._plans.is_to_blame(self._connection, error):
                    raise
                return None
            self._contexts = contexts.pop_all()
            return found

    def close(self) -> None:
        """Give the connection back. For one that was not sent, or whose rows were read."""
        self._contexts.close()

    def _answer(self) -> list[Row]:
        if self._failure is not None:
            # Whether the database has got a part of it is unknown.
            self._connection.give_up()
            raise self._failure
        with self._connection.lock:
            results: list[PGresult] = self._connection.wait(execute(self._connection.pgconn))
        last = results[-1]
        if last.status != ExecStatus.TUPLES_OK:
            raise errors.error_from_result(last, self._connection.info.encoding)
        self._loading.set_pgresult(last)
        return list(self._loading.load_rows(0, last.ntuples, self._make_row))
