"""pending → processing: the one way by which rows come into a worker's hands."""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import args_row

from storyboard_worker.database import Database
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.messages import Call, FixedStatement
from storyboard_worker.models import Claim
from storyboard_worker.queries.claim_statements import (
    RANK,
    RANK_NAMES,
    claim_one_statement,
    claim_statement,
)
from storyboard_worker.queries.frontier import Frontier, Rank

Row = TypeVar("Row")
Taken = tuple[Claim, Rank]


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, for how long, and with which limit for rows that set none of their own."""

    worker_id: str
    lease: timedelta
    max_attempts: int


class Claiming:
    """See :class:`storyboard_worker.queries.claims.StoryboardQueue`, which is its only user."""

    def __init__(self, database: Database, claimant: Claimant) -> None:
        self._database = database
        self._claimant = claimant
        self._frontier = Frontier()

    @property
    def seconds_until_whole_pass(self) -> float | None:
        return self._frontier.seconds_until_whole_pass

    def at_host(self, limit: int, host: str) -> list[Claim]:
        call = self._call(claim_statement(limit, onward=False, at_host=True), host=host)
        return _claims(self._database.run(call))

    def by_id(self, storyboard_id: UUID) -> list[Claim]:
        return _claims(
            self._database.run(self._call(claim_one_statement(), chosen_id=storyboard_id))
        )

    def most_urgent(self, limit: int, without_hosts: Collection[str]) -> list[Claim]:
        start = self._frontier.start
        claims = self._pass(start, limit, without_hosts)
        if start is not None and not claims:
            claims = self._pass(None, limit, without_hosts)
        return claims

    def _pass(self, start: Rank | None, limit: int, without_hosts: Collection[str]) -> list[Claim]:
        statement = claim_statement(limit, onward=start is not None, avoiding=bool(without_hosts))
        call = self._call(statement, start, avoided=sorted(without_hosts))
        began_at = time.monotonic()
        with self._watched(start, began_at):
            taken = self._database.run(call)
        return self._passed("alone", start, taken, began_at)

    def most_urgent_along(self, other: Call[Row], limit: int) -> tuple[list[Row], list[Claim]]:
        """``other`` and a claim in one transaction."""
        start = self._frontier.start
        statement = claim_statement(limit, onward=start is not None)
        call = self._call(statement, start)
        began_at = time.monotonic()
        with self._watched(start, began_at):
            rows, taken = self._database.run_both(other, call)
        return rows, self._passed("along", start, taken, began_at)

    @contextmanager
    def _watched(self, start: Rank | None, began_at: float) -> Iterator[None]:
        try:
            yield
        except DatabaseUnavailable:
            self._frontier.failed(start, time.monotonic() - began_at)
            raise

    def _passed(
        self, kind: str, start: Rank | None, taken: Sequence[Taken], began_at: float
    ) -> list[Claim]:
        reached = taken[-1][1] if taken else None
        self._frontier.passed(kind, start, reached, time.monotonic() - began_at)
        return _claims(taken)

    def _call(
        self, statement: FixedStatement, start: Rank | None = None, **values: Any
    ) -> Call[Taken]:
        values |= zip(RANK_NAMES, start or (), strict=False)
        values |= {
            "worker_id": self._claimant.worker_id,
            "lease": self._claimant.lease,
            "max_attempts": self._claimant.max_attempts,
        }
        return Call(statement, values, args_row(_taken))


def _taken(*values: Any) -> Taken:
    return Claim(*values[: -len(RANK)]), values[-len(RANK) :]


def _claims(taken: Sequence[Taken]) -> list[Claim]:
    return [claim for claim, _ in taken]
