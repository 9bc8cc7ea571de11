"""Tells an idle worker whether a row is due, and when the next one will be."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from psycopg.rows import class_row
from sqlalchemy import DateTime, Text, bindparam, cast, func, literal_column, select

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement, kept
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.claim_statements import RANK
from storyboard_worker.queries.columns import (
    IN_INDEX_ORDER,
    NOW,
    is_alive,
    is_due,
    is_pending,
    seconds_between,
)
from storyboard_worker.queries.throttle import Throttle

rows = storyboards.c


@dataclass(frozen=True, slots=True)
class _Seen:
    """One look. ``moment`` is its time as the database writes it, for the next look."""

    due: bool
    seconds_until_due: float | None
    moment: str


class NextDue:
    """The outlook of one worker.

    A look reads all rows that wait for another attempt. So :meth:`refresh` skips it while looks
    would take more than a small share of the time.

    A row may fall due between a claim and the look that follows. A refresh therefore counts, once,
    rows that fell due since the look before. Such a row then need not wait for the next poll.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._looks = Throttle(clock)
        self._is_outdated = False
        self._next_due_at: float | None = None
        self._seen_until: str | None = None

    def anything_due(self) -> bool:
        """Look, and say whether a row is due. Another worker may take it first."""
        return self._look(due_since=None).due

    def refresh(self) -> None:
        """Look, if the time since the last look allows it."""
        if not self._looks.seconds_until_affordable:
            self._look(due_since=self._seen_until)
            return
        self._is_outdated = True
        if self._next_due_at is not None and self._next_due_at <= self._clock():
            # A claim has followed it already. Naming it again would cause one claim after another.
            self._next_due_at = None

    @property
    def seconds_until_due(self) -> float | None:
        """Seconds until the next waiting row is due, or until a look can tell; ``None`` when none
        waits.

        Rows that were due at the look before do not count: no worker may take them now.
        """
        known = [] if self._next_due_at is None else [max(0.0, self._next_due_at - self._clock())]
        if self._is_outdated:
            known.append(self._looks.seconds_until_affordable)
        return min(known, default=None)

    def _look(self, *, due_since: str | None) -> _Seen:
        began_at = self._clock()
        parameters = {"due_since": due_since}
        [seen] = self._database.run(Call(_look_statement(), parameters, class_row(_Seen)))
        ended_at = self._clock()
        self._looks.spent(ended_at - began_at)
        self._is_outdated = False
        self._seen_until = seen.moment
        waits = seen.seconds_until_due
        self._next_due_at = None if waits is None else ended_at + waits
        return seen


@cache
def _look_statement() -> FixedStatement:
    # In the order of the claim index, so that no other plan is possible.
    waiting = select(rows.available_at).where(is_pending, is_alive).order_by(*RANK)
    due = waiting.where(is_due).limit(literal_column("1")).scalar_subquery()
    due_since = func.coalesce(
        cast(bindparam("due_since", type_=Text), DateTime(timezone=True)), NOW
    )
    counting = waiting.where(rows.available_at > due_since).subquery("counting")
    next_due = select(func.min(counting.c.available_at)).scalar_subquery()
    statement = select(
        due.is_not(None).label("due"),
        seconds_between(next_due, NOW).label("seconds_until_due"),
        cast(NOW, Text).label("moment"),
    )
    return kept(statement, **IN_INDEX_ORDER)
