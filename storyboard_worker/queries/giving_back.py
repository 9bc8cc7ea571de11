"""processing → pending for what a worker does not begin or finish."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import scalar_row

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import DatabaseUnavailable, DataRefused
from storyboard_worker.logs import event
from storyboard_worker.queries.give_back_statements import give_back_statement, still_held_statement


@dataclass(frozen=True, slots=True)
class GivenBack:
    """``count``: how many rows went back, by this call or by one before whose answer was lost.

    ``kept``: the tokens of claims that are still ours, because another transaction has locked
    their rows. A later call may give them back; else they come back by their lease. All others
    are no longer ours, or the database refuses to have them back before their lease lapses.
    """

    count: int
    kept: frozenset[UUID]


class GivingBack:
    """Of one worker's queue."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Given back by a call whose answer was lost.
        self._in_doubt: set[UUID] = set()

    def give_back(self, tokens: Sequence[UUID]) -> GivenBack:
        """Give back the rows of the claims with these tokens. Those that the database refuses do
        not keep the others."""
        values = {"tokens": list(tokens)}
        giving = Call(give_back_statement(), values, scalar_row)
        looking = Call(still_held_statement(), values, scalar_row)
        try:
            given_back, kept = self._database.run_both(giving, looking)
        except DatabaseUnavailable:
            self._in_doubt |= set(tokens)
            raise
        except DataRefused as error:
            if len(tokens) > 1:
                return _in_all(self.give_back([token]) for token in tokens)
            event(logging.ERROR, "a row cannot be given back", reason=error)
            return GivenBack(0, frozenset())
        given_before = (self._in_doubt & set(tokens)) - set(given_back) - set(kept)
        self._in_doubt -= set(tokens)
        return GivenBack(len(given_back) + len(given_before), frozenset(kept))


def _in_all(parts: Iterable[GivenBack]) -> GivenBack:
    count, kept = 0, frozenset[UUID]()
    for part in parts:
        count, kept = count + part.count, kept | part.kept
    return GivenBack(count, kept)
