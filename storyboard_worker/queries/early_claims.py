"""Claims that are made ready while a worker is idle, and sent as soon as a row arrives."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from storyboard_worker.database import Database
from storyboard_worker.database.early_exchange import EarlyExchange
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.queries.claim_cursor import ClaimCursor
from storyboard_worker.queries.taken import Taken, watched
from storyboard_worker.queries.unanswered_claims import UnansweredClaims

# An idle worker looks twice as often. An older plan, or an older connection, may not suit any more.
MOST_READY_SECONDS = 60.0


@dataclass(slots=True)
class _Early:
    """``marked`` wraps it like any other claim. Moments are on the monotonic clock."""

    exchange: EarlyExchange[Taken]
    marked: ExitStack
    ready_at: float
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class EarlyRows:
    """What a claim that was sent at ``sent_at``, on the monotonic clock, has taken."""

    found: list[Taken]
    sent_at: float


class EarlyClaims:
    """At most one claim at a time, of new rows from the most urgent one on. For one thread."""

    def __init__(
        self, database: Database, doubts: UnansweredClaims, claim_cursor: ClaimCursor
    ) -> None:
        self._database = database
        self._doubts = doubts
        self._claim_cursor = claim_cursor
        self._early: _Early | None = None
        self._answered: EarlyExchange[Taken] | None = None

    @property
    def is_under_way(self) -> bool:
        """One was sent, and its answer has not been taken."""
        return self._early is not None and self._early.sent_at is not None

    def make_ready(self, call_of: Callable[[str], Call[Taken]]) -> None:
        """Make one ready, if the database allows it. ``call_of`` gives its call, for a mark."""
        with ExitStack() as marked:
            mark = marked.enter_context(self._doubts.marked())
            exchange = self._database.early(call_of(mark), durable=False)
            if exchange is not None:
                self._early = _Early(exchange, marked.pop_all(), time.monotonic())

    def send(self) -> None:
        """Send the one that is ready, if there is one and the database is as it was."""
        early = self._early
        if early is None or early.sent_at is not None:
            return
        now = time.monotonic()
        if now - early.ready_at > MOST_READY_SECONDS or not early.exchange.is_possible:
            self.drop()
            return
        early.sent_at = now
        early.exchange.send()

    def drop(self) -> None:
        """Give back the connection of the one that is ready and not needed, or whose answer was
        taken. One that was sent stays under way."""
        if self._answered is not None:
            self._answered.close()
            self._answered = None
        early = self._early
        if early is not None and early.sent_at is None:
            self._early = None
            # The database was not asked, so no answer is missing.
            early.marked.close()
            early.exchange.close()

    def take(self) -> EarlyRows | None:
        """Wait for the answer to the one under way; ``None``: there is none, or nothing was done.

        If it has taken rows, its connection is given back by :meth:`drop`, once they are under way.
        Raises what :meth:`Database.run` raises.
        """
        early = self._early
        if early is None or early.sent_at is None:
            return None
        self._early = None
        with watched(self._claim_cursor, None, early.sent_at), early.marked:
            found = early.exchange.rows()
        if not found:
            early.exchange.close()
        else:
            self._answered = early.exchange
        return None if found is None else EarlyRows(found, early.sent_at)
