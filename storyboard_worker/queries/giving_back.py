"""processing → pending for what a stopping worker did not finish."""

from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import scalar_row

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.end_statements import held_tokens
from storyboard_worker.queries.give_back_statements import give_back_statement


class GivingBack:
    """Of one worker's queue."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Given back by a call whose answer was lost.
        self._in_doubt: set[UUID] = set()

    def give_back(self, tokens: Sequence[UUID]) -> int:
        """How many rows were given back, by this call or by one before whose answer was lost."""
        giving = Call(give_back_statement(), {"tokens": list(tokens)}, scalar_row)
        try:
            given_back = len(self._database.run(giving))
        except DatabaseUnavailable:
            self._in_doubt |= set(tokens)
            raise
        return given_back + self._given_back_before(tokens, given_back)

    def _given_back_before(self, tokens: Sequence[UUID], given_back: int) -> int:
        """How many of these a call before, whose answer was lost, has given back."""
        in_doubt = self._in_doubt & set(tokens)
        if not in_doubt:
            return 0
        self._in_doubt -= in_doubt
        with self._database.transaction() as connection:
            held = len(connection.scalars(held_tokens(list(in_doubt))).all())
        return len(in_doubt) - held - given_back
