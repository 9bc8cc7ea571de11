"""pending → processing: the one way by which rows come into a worker's hands."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import args_row, scalar_row

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import DatabaseUnavailable, DataRefused
from storyboard_worker.queries.claim_cursor import ClaimCursor, Rank
from storyboard_worker.queries.claim_statements import (
    RANK_NAMES,
    ClaimFilter,
    candidates_statement,
    claim_one_statement,
    claim_statement,
)
from storyboard_worker.queries.early_claims import EarlyClaims
from storyboard_worker.queries.lost_claims import LostClaims
from storyboard_worker.queries.narrowed import Narrowed
from storyboard_worker.queries.one_by_one import in_time
from storyboard_worker.queries.sample import SAMPLED_ROWS, Sample
from storyboard_worker.queries.setting_aside import OnSetAside, Refused, SettingAside
from storyboard_worker.queries.taken import Taken, claims_of, passed, taken, watched
from storyboard_worker.queries.unanswered_claims import UnansweredClaims
from storyboard_worker.storyboard import Claim, Group

Row = TypeVar("Row")

# When all of so many batches of so many rows are refused one after the other, it is not the rows.
ENOUGH_TO_JUDGE = 50
MOST_BATCHES = 10


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, and for how long."""

    worker_id: str
    lease: timedelta


class Claiming:
    """See :class:`storyboard_worker.queries.claims.StoryboardQueue`, which is its only user."""

    def __init__(
        self,
        database: Database,
        claimant: Claimant,
        on_set_aside: OnSetAside,
        doubts: UnansweredClaims,
    ) -> None:
        self._database = database
        self._claimant = claimant
        self._claim_cursors = {group: ClaimCursor() for group in Group}
        self._doubts = doubts
        self._lost = LostClaims(database, claimant.worker_id, doubts)
        self._aside = SettingAside(database, on_set_aside)
        self._sample = Sample(database)
        self.early = EarlyClaims(database, doubts, self._claim_cursors[Group.NEW])

    @property
    def seconds_until_full_pass(self) -> float | None:
        passes = [
            claim_cursor.seconds_until_full_pass for claim_cursor in self._claim_cursors.values()
        ]
        return min((seconds for seconds in passes if seconds is not None), default=None)

    @property
    def seconds_until_refused_again(self) -> float | None:
        """``None``: no row is passed over because the database refused it."""
        return self._aside.seconds_until_again

    @property
    def seconds_until_look_for_lost(self) -> float | None:
        """``None``: the answer to every claim is known."""
        return self._doubts.seconds_until_look

    def give_back_lost(self) -> int:
        """See :meth:`LostClaims.give_back`."""
        return self._lost.give_back()

    def set_aside(self, storyboard_id: UUID, error: DataRefused) -> None:
        self._aside.set_aside(storyboard_id, error)

    def by_id(self, storyboard_id: UUID) -> list[Claim]:
        with self._doubts.marked() as mark:
            call = self._call(claim_one_statement(), mark, chosen_id=storyboard_id)
            return claims_of(self._database.run(call))

    def most_urgent(
        self, limit: int, without_upstreams: Collection[str], *, group: Group
    ) -> list[Claim]:
        narrowed = Narrowed(group, avoided=tuple(sorted(without_upstreams)))
        if group is Group.NEW and self.early.is_under_way:
            return self._of_early(limit, narrowed)
        start = self._claim_cursors[group].start
        claims = self._taking(limit, start, narrowed)
        if start is not None and not claims:
            claims = self._taking(limit, None, narrowed)
        return claims

    def make_early_ready(self, limit: int) -> None:
        """See :meth:`StoryboardQueue.make_claim_ready`."""
        self.early.drop()
        # A claim that begins elsewhere, or that passes over rows, is another statement.
        another = self._claim_cursors[Group.NEW].start is not None or self._aside.passed_over
        if another or self.early.is_under_way:
            return
        values: dict[str, Any] = {"limit": limit, "passed_over": []}
        statement = claim_statement(limit, ClaimFilter(Group.NEW))
        self.early.make_ready(lambda mark: self._call(statement, mark, **values))

    def _of_early(self, limit: int, narrowed: Narrowed) -> list[Claim]:
        try:
            early = self.early.take()
        except DataRefused:
            return self._row_by_row(limit, narrowed)
        if early is None:
            return self._taking(limit, None, narrowed)
        return passed(self._claim_cursors[Group.NEW], "alone", None, early.found, early.sent_at)

    def at_random(
        self, limit: int, upstream: str | None, without_upstreams: Collection[str], *, group: Group
    ) -> list[Claim]:
        """From anywhere in the backlog: what lies in front may be what is broken.

        Evenly from the first thousand rows; where there are more, half of them from behind a rank
        drawn at random, since to shuffle a million would cost too much.
        """
        avoided = tuple(sorted(without_upstreams)) if upstream is None else ()
        narrowed = Narrowed(group, avoided=avoided, upstream=upstream)
        front = self._sample.front(narrowed, self._aside.passed_over)
        claims: list[Claim] = []
        if len(front) == SAMPLED_ROWS and (pivot := self._sample.rank(group)):
            claims += self._pass((limit + 1) // 2, pivot, narrowed, is_walk=False)
        self._sample.chance.shuffle(front)
        try:
            for chosen in front:
                if len(claims) >= limit:
                    break
                claims += self._due_one(chosen)
        except (DatabaseUnavailable, DataRefused):
            # What is claimed has to be started all the same.
            if not claims:
                raise
        return claims

    def _due_one(self, storyboard_id: UUID) -> list[Claim]:
        with self._doubts.marked() as mark:
            call = self._call(claim_one_statement(only_due=True), mark, chosen_id=storyboard_id)
            return claims_of(self._database.run(call))

    def _taking(self, limit: int, start: Rank | None, narrowed: Narrowed) -> list[Claim]:
        try:
            return self._pass(limit, start, narrowed)
        except DataRefused:
            return self._row_by_row(limit, narrowed)

    def _pass(
        self, limit: int, start: Rank | None, narrowed: Narrowed, *, is_walk: bool = True
    ) -> list[Claim]:
        """``is_walk``: one of those that the cursor is about."""
        passed_over = self._aside.passed_over
        which = narrowed.filter(passing_over=bool(passed_over))
        statement = claim_statement(limit, which, onward=start is not None)
        claim_cursor = self._claim_cursors[narrowed.group]
        began_at = time.monotonic()
        with watched(claim_cursor, start, began_at), self._doubts.marked() as mark:
            values = {**narrowed.values(), "limit": limit, "passed_over": passed_over}
            found = self._database.run(self._call(statement, mark, start, **values), durable=False)
        if not is_walk:
            return claims_of(found)
        return passed(claim_cursor, "alone", start, found, began_at)

    def _row_by_row(self, limit: int, narrowed: Narrowed) -> list[Claim]:
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
        self, limit: int, narrowed: Narrowed, claims: list[Claim], refused: list[Refused]
    ) -> Iterator[UUID]:
        """One batch after the other, until one has brought ``claims``: many bad rows may stand in
        front of the good ones."""
        statement = candidates_statement(
            max(limit, ENOUGH_TO_JUDGE), narrowed.filter(passing_over=True)
        )
        for _ in range(MOST_BATCHES):
            passed_over = [*self._aside.passed_over, *(id_ for id_, _ in refused)]
            values = {**narrowed.values(), "passed_over": passed_over}
            batch = self._database.run(Call(statement, values, scalar_row))
            yield from batch
            if claims or not batch:
                return

    def _one_of_several(self, candidate: UUID, claims: list[Claim], refused: list[Refused]) -> None:
        try:
            claims += self._due_one(candidate)
        except DataRefused as error:
            refused.append((candidate, error))

    def most_urgent_along(
        self, others: Sequence[Call[Row]], limit: int
    ) -> tuple[list[Row], list[Claim]]:
        """The rows of ``others``, and a claim of rows that have not been tried, in one
        transaction."""
        claim_cursor = self._claim_cursors[Group.NEW]
        start = claim_cursor.start
        passed_over = self._aside.passed_over
        which = Narrowed(Group.NEW).filter(passing_over=bool(passed_over))
        statement = claim_statement(limit, which, onward=start is not None)
        began_at = time.monotonic()
        with watched(claim_cursor, start, began_at), self._doubts.marked() as mark:
            values = {"limit": limit, "passed_over": passed_over}
            calls: list[Call[Any]] = [*others, self._call(statement, mark, start, **values)]
            *others_found, found = self._database.run_all(calls)
        rows = [row for rows_of_one in others_found for row in rows_of_one]
        return rows, passed(claim_cursor, "along", start, found, began_at)

    def _call(
        self, statement: FixedStatement, mark: str, start: Rank | None = None, **values: Any
    ) -> Call[Taken]:
        values |= zip(RANK_NAMES, start or (), strict=False)
        values |= {
            "mark": mark,
            "worker_id": self._claimant.worker_id,
            "lease": self._claimant.lease,
        }
        return Call(statement, values, args_row(taken))
