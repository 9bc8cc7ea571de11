"""Rows that a claim of ours took, but whose answer never came, go back."""

import logging

from psycopg.rows import scalar_row

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import DatabaseUnavailable, DataRefused
from storyboard_worker.logs import event
from storyboard_worker.queries.give_back_statements import (
    give_back_lost_statement,
    lost_marks_statement,
)
from storyboard_worker.queries.unanswered_claims import UnansweredClaims


class LostClaims:
    """Of one worker; ``doubts`` are shared by its queues."""

    def __init__(self, database: Database, worker_id: str, doubts: UnansweredClaims) -> None:
        self._database = database
        self._worker_id = worker_id
        self._doubts = doubts

    def give_back(self) -> int:
        """processing → pending for rows of claims whose answer never came, attempts given back;
        returns how many. Costs nothing while there is no such claim."""
        marks = self._doubts.to_look_for()
        if not marks:
            return 0
        values = {"marks": marks, "worker_id": self._worker_id}
        giving = Call(give_back_lost_statement(), values, scalar_row)
        looking = Call(lost_marks_statement(), values, scalar_row)
        try:
            found, left = self._database.run_both(giving, looking)
        except DatabaseUnavailable:
            self._doubts.look_failed()
            raise
        except DataRefused as error:
            # They come back by their lease; what else this thread is about must not fail for it.
            event(logging.ERROR, "claims without an answer stay", reason=error)
            self._doubts.settled(set(marks))
            return 0
        # A locked row is skipped, and looked for again.
        self._doubts.settled(set(found) - set(left))
        if found:
            event(
                logging.WARNING,
                "given back: the answer to their claim was lost",
                count=len(found),
            )
        return len(found)
