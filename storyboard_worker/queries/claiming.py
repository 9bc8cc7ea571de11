"""pending → processing: the one way by which rows come into a worker's hands."""

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import args_row, scalar_row

from storyboard_worker.database import Database
from storyboard_worker.errors import DatabaseUnavailable, DataRefused
from storyboard_worker.logs import event
from storyboard_worker.messages import Call, FixedStatement
from storyboard_worker.models import Claim
from storyboard_worker.queries.claim_statements import (
    RANK,
    RANK_NAMES,
    candidates_statement,
    claim_one_statement,
    claim_statement,
    give_back_lost_statement,
    lost_marks_statement,
)
from storyboard_worker.queries.doubts import Doubts
from storyboard_worker.queries.frontier import Frontier, Rank
from storyboard_worker.queries.one_by_one import in_time
from storyboard_worker.queries.setting_aside import OnSetAside, Refused, SettingAside

Row = TypeVar("Row")

# When all of so many batches of so many rows are refused one after the other, it is not the rows.
ENOUGH_TO_JUDGE = 50
MOST_BATCHES = 10
Taken = tuple[Claim, Rank]


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, for how long, and with which limit for rows that set none of their own."""

    worker_id: str
    lease: timedelta
    max_attempts: int


class Claiming:
    """See :class:`storyboard_worker.queries.claims.StoryboardQueue`, which is its only user."""

    def __init__(
        self, database: Database, claimant: Claimant, on_set_aside: OnSetAside, doubts: Doubts
    ) -> None:
        self._database = database
        self._claimant = claimant
        self._frontier = Frontier()
        self._doubts = doubts
        self._aside = SettingAside(database, on_set_aside)

    @property
    def seconds_until_whole_pass(self) -> float | None:
        return self._frontier.seconds_until_whole_pass

    @property
    def seconds_until_look_for_lost(self) -> float | None:
        """``None``: the answer to every claim is known."""
        return self._doubts.seconds_until_look

    def give_back_lost(self) -> int:
        """processing → pending for rows of claims whose answer never came, attempts given back;
        returns how many. Costs nothing while there is no such claim."""
        marks = self._doubts.to_look_for()
        if not marks:
            return 0
        values = {"marks": marks, "worker_id": self._claimant.worker_id}
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
        # A row that somebody has locked is skipped, and looked for again.
        self._doubts.settled(set(found) - set(left))
        if found:
            event(
                logging.WARNING,
                "given back: the answer to their claim was lost",
                count=len(found),
            )
        return len(found)

    def set_aside(self, storyboard_id: UUID, error: DataRefused) -> None:
        self._aside.set_aside(storyboard_id, error)

    def at_host(self, limit: int, host: str) -> list[Claim]:
        return self._taking(limit, None, {"host": host})

    def by_id(self, storyboard_id: UUID) -> list[Claim]:
        with self._doubts.marked() as mark:
            call = self._call(claim_one_statement(), mark, chosen_id=storyboard_id)
            return _claims(self._database.run(call))

    def most_urgent(self, limit: int, without_hosts: Collection[str]) -> list[Claim]:
        avoided = {"avoided": sorted(without_hosts)} if without_hosts else {}
        start = self._frontier.start
        claims = self._taking(limit, start, avoided)
        if start is not None and not claims:
            claims = self._taking(limit, None, avoided)
        return claims

    def _taking(self, limit: int, start: Rank | None, narrowed: dict[str, Any]) -> list[Claim]:
        try:
            return self._pass(limit, start, narrowed)
        except DataRefused:
            return self._row_by_row(limit, narrowed)

    def _pass(self, limit: int, start: Rank | None, narrowed: dict[str, Any]) -> list[Claim]:
        statement = claim_statement(
            limit,
            onward=start is not None,
            avoiding="avoided" in narrowed,
            at_host="host" in narrowed,
            passing_over=bool(self._aside.passed_over),
        )
        began_at = time.monotonic()
        with self._watched(start, began_at), self._doubts.marked() as mark:
            taken = self._database.run(self._call(statement, mark, start, **narrowed))
        if "host" in narrowed:
            return _claims(taken)
        return self._passed("alone", start, taken, began_at)

    def _row_by_row(self, limit: int, narrowed: dict[str, Any]) -> list[Claim]:
        """One row makes the statement fail for all: take the others, and set that one aside."""
        claims: list[Claim] = []
        refused: list[Refused] = []
        try:
            for candidate in in_time(self._candidates(limit, narrowed, claims, refused)):
                if len(claims) == limit:
                    break
                self._one_of_several(candidate, claims, refused)
            self._aside.judge(refused, well=len(claims))
        except DatabaseUnavailable:
            # What is claimed has to be started all the same.
            if not claims:
                raise
        return claims

    def _candidates(
        self, limit: int, narrowed: dict[str, Any], claims: list[Claim], refused: list[Refused]
    ) -> Iterator[UUID]:
        """One batch after the other, until one has brought ``claims``: many bad rows may stand in
        front of the good ones."""
        statement = candidates_statement(
            max(limit, ENOUGH_TO_JUDGE), avoiding="avoided" in narrowed, at_host="host" in narrowed
        )
        for _ in range(MOST_BATCHES):
            passed_over = [*self._aside.passed_over, *(id_ for id_, _ in refused)]
            values = {**narrowed, "passed_over": passed_over}
            batch = self._database.run(Call(statement, values, scalar_row))
            yield from batch
            if claims or not batch:
                return

    def _one_of_several(self, candidate: UUID, claims: list[Claim], refused: list[Refused]) -> None:
        try:
            with self._doubts.marked() as mark:
                call = self._call(claim_one_statement(only_due=True), mark, chosen_id=candidate)
                claims += _claims(self._database.run(call))
        except DataRefused as error:
            refused.append((candidate, error))

    def most_urgent_along(self, other: Call[Row], limit: int) -> tuple[list[Row], list[Claim]]:
        """``other`` and a claim in one transaction."""
        start = self._frontier.start
        statement = claim_statement(
            limit, onward=start is not None, passing_over=bool(self._aside.passed_over)
        )
        began_at = time.monotonic()
        with self._watched(start, began_at), self._doubts.marked() as mark:
            rows, taken = self._database.run_both(other, self._call(statement, mark, start))
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
        self, statement: FixedStatement, mark: str, start: Rank | None = None, **values: Any
    ) -> Call[Taken]:
        values |= zip(RANK_NAMES, start or (), strict=False)
        if passed_over := self._aside.passed_over:
            values["passed_over"] = passed_over
        values |= {
            "mark": mark,
            "worker_id": self._claimant.worker_id,
            "lease": self._claimant.lease,
            "max_attempts": self._claimant.max_attempts,
        }
        return Call(statement, values, args_row(_taken))


def _taken(*values: Any) -> Taken:
    return Claim(*values[: -len(RANK)]), values[-len(RANK) :]


def _claims(taken: Sequence[Taken]) -> list[Claim]:
    return [claim for claim, _ in taken]
