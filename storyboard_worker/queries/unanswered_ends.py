"""Ends of claims that were sent and not answered. They may have been written."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select

from storyboard_worker.database.tables import storyboards
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.columns import FAILED, PENDING, PROCESSING, READY
from storyboard_worker.queries.ends import ErrorEnd, Transition
from storyboard_worker.storyboard import Claim

rows = storyboards.c


class UnansweredEnds:
    """The claims of one worker whose end may be written already.

    Their end is being written, or was sent and not answered. The worker's threads share them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Of each statement that is under way.
        self._being_written: list[set[UUID]] = []
        self._in_doubt: set[UUID] = set()

    @property
    def tokens(self) -> set[UUID]:
        """The tokens of these claims."""
        with self._lock:
            return self._in_doubt.union(*self._being_written)

    def is_in_doubt(self, claim: Claim) -> bool:
        """Whether the end of ``claim`` was sent and not answered."""
        return claim.token in self._in_doubt

    def settle(self, claims: Iterable[Claim]) -> None:
        """It is known whether the ends of ``claims`` were written."""
        if self._in_doubt:
            with self._lock:
                self._in_doubt.difference_update(claim.token for claim in claims)

    @contextmanager
    def writing(self, claims: Sequence[Claim]) -> Iterator[None]:
        """Wraps the statement that writes the ends of ``claims``."""
        tokens = {claim.token for claim in claims}
        with self._lock:
            self._being_written.append(tokens)
        try:
            yield
        except DatabaseUnavailable:
            with self._lock:
                self._in_doubt |= tokens
            raise
        finally:
            with self._lock:
                self._being_written.remove(tokens)


def as_written(ends: Sequence[tuple[Claim, ErrorEnd]]) -> Select[Any]:
    """The ids of the rows on which the end was written and only the answer was lost.

    Such a row is as its end leaves it, or was claimed since.
    """
    return select(rows.id).where(or_(*(_is_written(claim, end) for claim, end in ends)))


def _is_written(claim: Claim, end: ErrorEnd) -> ColumnElement[bool]:
    attempts = end.attempts_after(claim)
    as_left = and_(
        rows.status == (FAILED if end.transition is Transition.FAIL else PENDING),
        rows.attempts == attempts,
        *(rows[name].is_not_distinct_from(value) for name, value in end.error_columns.items()),
    )
    claimed_since = and_(rows.status.in_([PROCESSING, READY]), rows.attempts == attempts + 1)
    return and_(rows.id == claim.id, or_(as_left, claimed_since))
