"""pending → processing: the one way by which rows come into a worker's hands."""

import logging
import random
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import args_row, scalar_row, tuple_row

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call, FixedStatement
from storyboard_worker.errors import DatabaseUnavailable, DataRefused
from storyboard_worker.logs import event
from storyboard_worker.queries.claim_cursor import ClaimCursor, Rank
from storyboard_worker.queries.claim_statements import (
    RANK,
    RANK_NAMES,
    ClaimFilter,
    candidates_statement,
    claim_one_statement,
    claim_statement,
    last_rank_statement,
)
from storyboard_worker.queries.end_statements import (
    give_back_lost_statement,
    lost_marks_statement,
)
from storyboard_worker.queries.one_by_one import in_time
from storyboard_worker.queries.random_rank import random_rank
from storyboard_worker.queries.setting_aside import OnSetAside, Refused, SettingAside
from storyboard_worker.queries.unanswered_claims import UnansweredClaims
from storyboard_worker.storyboard import Claim, Group

Row = TypeVar("Row")

# When all of so many batches of so many rows are refused one after the other, it is not the rows.
ENOUGH_TO_JUDGE = 50
MOST_BATCHES = 10
SAMPLED_ROWS = 1000
# Of the first and of the last rows, so that some are left where a rank is drawn.
MOST_LEFT_OUT = SAMPLED_ROWS // 2
Taken = tuple[Claim, Rank]


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, and for how long."""

    worker_id: str
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which rows are claimed: of one group, without those of the upstreams ``avoided``, or of one
    ``upstream`` alone."""

    group: Group
    avoided: tuple[str, ...] = ()
    upstream: str | None = None

    def values(self) -> dict[str, Any]:
        avoided = {"avoided": list(self.avoided)} if self.avoided else {}
        return avoided if self.upstream is None else {**avoided, "upstream": self.upstream}

    def filter(self, *, passing_over: bool) -> ClaimFilter:
        return ClaimFilter(
            self.group,
            avoiding=bool(self.avoided),
            at_upstream=self.upstream is not None,
            passing_over=passing_over,
        )


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
        self._aside = SettingAside(database, on_set_aside)
        self._chance: random.Random = random.SystemRandom()

    @property
    def seconds_until_full_pass(self) -> float | None:
        passes = [
            claim_cursor.seconds_until_full_pass for claim_cursor in self._claim_cursors.values()
        ]
        return min((seconds for seconds in passes if seconds is not None), default=None)

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
        # A locked row is skipped, and looked for again.
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

    def by_id(self, storyboard_id: UUID) -> list[Claim]:
        with self._doubts.marked() as mark:
            call = self._call(claim_one_statement(), mark, chosen_id=storyboard_id)
            return _claims(self._database.run(call))

    def most_urgent(
        self, limit: int, without_upstreams: Collection[str], *, group: Group
    ) -> list[Claim]:
        narrowed = Narrowed(group, avoided=tuple(sorted(without_upstreams)))
        start = self._claim_cursors[group].start
        claims = self._taking(limit, start, narrowed)
        if start is not None and not claims:
            claims = self._taking(limit, None, narrowed)
        return claims

    def at_random(
        self, limit: int, upstream: str | None, without_upstreams: Collection[str], *, group: Group
    ) -> list[Claim]:
        """From anywhere in the backlog: what lies in front may be what is broken.

        Evenly from the first thousand rows; where there are more, half of them from behind a rank
        drawn at random, since to shuffle a million would cost too much.
        """
        avoided = tuple(sorted(without_upstreams)) if upstream is None else ()
        narrowed = Narrowed(group, avoided=avoided, upstream=upstream)
        front = self._front(narrowed)
        claims: list[Claim] = []
        if len(front) == SAMPLED_ROWS and (pivot := self._pivot(group)):
            claims += self._pass((limit + 1) // 2, pivot, narrowed, is_walk=False)
        self._chance.shuffle(front)
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
            return _claims(self._database.run(call))

    def _front(self, narrowed: Narrowed) -> list[UUID]:
        statement = candidates_statement(SAMPLED_ROWS, narrowed.filter(passing_over=True))
        values = {**narrowed.values(), "passed_over": self._aside.passed_over}
        return self._database.run(Call(statement, values, scalar_row))

    def _pivot(self, group: Group) -> Rank | None:
        # A few odd rows at an end must not be what each draw begins with.
        first, last = (
            self._end(group, last=last, left_out=self._chance.randrange(MOST_LEFT_OUT))
            for last in (False, True)
        )
        if first is None or last is None:
            return None
        before, since = (partial(self._end, group, last=last) for last in (True, False))
        return random_rank(first, last, before=before, since=since, chance=self._chance)

    def _end(
        self, group: Group, beside: Rank | None = None, *, last: bool, left_out: int = 0
    ) -> Rank | None:
        """The last row of the backlog, or the first; the last before ``beside``, or the first
        from there."""
        statement = last_rank_statement(group=group, last=last, beside=beside is not None)
        values = {"left_out": left_out, **dict(zip(RANK_NAMES, beside or (), strict=False))}
        found = self._database.run(Call(statement, values, tuple_row))
        return found[0] if found else None

    def _taking(self, limit: int, start: Rank | None, narrowed: Narrowed) -> list[Claim]:
        try:
            return self._pass(limit, start, narrowed)
        except DataRefused:
            return self._row_by_row(limit, narrowed)

    def _pass(
        self, limit: int, start: Rank | None, narrowed: Narrowed, *, is_walk: bool = True
    ) -> list[Claim]:
        """``is_walk``: one of those that the cursor is about."""
        which = narrowed.filter(passing_over=bool(self._aside.passed_over))
        statement = claim_statement(limit, which, onward=start is not None)
        claim_cursor = self._claim_cursors[narrowed.group]
        began_at = time.monotonic()
        with _watched(claim_cursor, start, began_at), self._doubts.marked() as mark:
            taken = self._database.run(self._call(statement, mark, start, **narrowed.values()))
        if not is_walk:
            return _claims(taken)
        return _passed(claim_cursor, "alone", start, taken, began_at)

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

    def most_urgent_along(self, other: Call[Row], limit: int) -> tuple[list[Row], list[Claim]]:
        """``other`` and a claim of rows that have not been tried, in one transaction."""
        claim_cursor = self._claim_cursors[Group.NEW]
        start = claim_cursor.start
        which = ClaimFilter(Group.NEW, passing_over=bool(self._aside.passed_over))
        statement = claim_statement(limit, which, onward=start is not None)
        began_at = time.monotonic()
        with _watched(claim_cursor, start, began_at), self._doubts.marked() as mark:
            rows, taken = self._database.run_both(other, self._call(statement, mark, start))
        return rows, _passed(claim_cursor, "along", start, taken, began_at)

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
        }
        return Call(statement, values, args_row(_taken))


@contextmanager
def _watched(claim_cursor: ClaimCursor, start: Rank | None, began_at: float) -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable:
        claim_cursor.failed(start, time.monotonic() - began_at)
        raise


def _passed(
    claim_cursor: ClaimCursor,
    kind: str,
    start: Rank | None,
    taken: Sequence[Taken],
    began_at: float,
) -> list[Claim]:
    reached = taken[-1][1] if taken else None
    claim_cursor.passed(kind, start, reached, time.monotonic() - began_at)
    return _claims(taken)


def _taken(*values: Any) -> Taken:
    return Claim(*values[: -len(RANK)]), values[-len(RANK) :]


def _claims(taken: Sequence[Taken]) -> list[Claim]:
    return [claim for claim, _ in taken]
