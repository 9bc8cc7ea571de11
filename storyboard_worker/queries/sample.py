"""Rows from anywhere in the backlog, for probes."""

import random
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from psycopg.rows import scalar_row, tuple_row

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.queries.claim_cursor import Rank
from storyboard_worker.queries.claim_statements import (
    RANK_NAMES,
    candidates_statement,
    last_rank_statement,
)
from storyboard_worker.queries.narrowed import Narrowed
from storyboard_worker.queries.random_rank import random_rank
from storyboard_worker.storyboard import Group

SAMPLED_ROWS = 1000
# Of the first and of the last rows, so that some are left where a rank is drawn.
MOST_LEFT_OUT = SAMPLED_ROWS // 2


class Sample:
    """``chance`` draws."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.chance: random.Random = random.SystemRandom()

    def front(self, narrowed: Narrowed, passed_over: Sequence[UUID]) -> list[UUID]:
        """The ids of the first :data:`SAMPLED_ROWS` due rows."""
        statement = candidates_statement(SAMPLED_ROWS, narrowed.filter(passing_over=True))
        values = {**narrowed.values(), "passed_over": list(passed_over)}
        return self._database.run(Call(statement, values, scalar_row))

    def rank(self, group: Group) -> Rank | None:
        """A place in the order of urgency, drawn at random; ``None`` where there are few rows."""
        # A few odd rows at an end must not be what each draw begins with.
        first, last = (
            self._end(group, last=last, left_out=self.chance.randrange(MOST_LEFT_OUT))
            for last in (False, True)
        )
        if first is None or last is None:
            return None
        before, since = (partial(self._end, group, last=last) for last in (True, False))
        return random_rank(first, last, before=before, since=since, chance=self.chance)

    def _end(
        self, group: Group, beside: Rank | None = None, *, last: bool, left_out: int = 0
    ) -> Rank | None:
        """The last row of the backlog, or the first; the last before ``beside``, or the first
        from there."""
        statement = last_rank_statement(group=group, last=last, beside=beside is not None)
        values = {"left_out": left_out, **dict(zip(RANK_NAMES, beside or (), strict=False))}
        found = self._database.run(Call(statement, values, tuple_row))
        return found[0] if found else None
