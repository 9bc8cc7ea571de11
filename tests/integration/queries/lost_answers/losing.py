"""A database whose answers are lost on the way, while its statements take effect."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import CommitInDoubt, DatabaseUnavailable
from tests.support.producing import storyboard


class LosingDatabase(Database):
    """Loses the answers to the next ``to_lose`` messages, and to as many COMMITs as ``commits``."""

    to_lose = 0
    commits = 0

    def _run_script(self, *calls: Call[Any], durable: bool = True) -> list[list[Any]]:
        answer = super()._run_script(*calls, durable=durable)
        if self.to_lose:
            self.to_lose -= 1
            raise DatabaseUnavailable("the answer was lost")
        return answer

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
        if self.commits:
            self.commits -= 1
            raise CommitInDoubt("the answer was lost")


def states(producer: psycopg.Connection, ids: list[UUID]) -> list[tuple[str, int]]:
    return [(row["status"], row["attempts"]) for row in (storyboard(producer, i) for i in ids)]
