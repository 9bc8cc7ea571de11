"""A simulated worker: real breakers, decisions and dispatcher; no network, no threads.

It has a clock of its own. The table, the slots and the claim loop look like the real ones to the
other parts.
"""

import heapq
import random
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.policy import DOWN_CODES, Release, Retry, Tried, decide
from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.queries.put_off import NOTICED_AFTER_SECONDS
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim, Group
from storyboard_worker.worker.dispatch import Dispatcher
from tests.support.clock import Clock

URL = "https://images.example/a"
UPSTREAM = "images.example"
LINK_LIVES_SECONDS = 86_400.0
SLOTS = 16
SUSPECTS = 4


@dataclass
class Row:
    number: int
    kind: str
    arrived_at: float
    available_at: float = 0.0
    attempts: int = 0
    own_errors: int = 0
    error_code: ErrorCode | None = None
    errored_at: float = 0.0
    ended_at: float | None = None
    failed: bool = False

    @property
    def group(self) -> Group:
        return Group.TRIED if self.attempts else Group.NEW


# The result of a request, and the seconds that it takes.
Answer = tuple[float, AttemptError | None]
Host = Callable[[Row, float], Answer]
Ranked = tuple[float, int]


class Table:
    """Claims by group and rank, like the statements."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self._waiting: dict[Group, list[Ranked]] = {group: [] for group in Group}
        self.rows: dict[int, Row] = {}

    def put(self, row: Row, available_at: float) -> None:
        row.available_at = available_at
        self.rows[row.number] = row
        insort(self._waiting[row.group], (available_at, row.number))

    def claim(self, limit: int, *, without_upstreams: Collection[str], group: Group) -> list[Claim]:
        return [] if UPSTREAM in without_upstreams else self._take(limit, group, 0)

    def claim_probes(
        self,
        limit: int,
        *,
        only_new: bool,
        without_upstreams: Collection[str] = (),
        **_others: object,
    ) -> list[Claim]:
        claims: list[Claim] = []
        if UPSTREAM in without_upstreams:
            return claims
        for group in (Group.NEW,) if only_new else (Group.NEW, Group.TRIED):
            claims += self._take(limit - len(claims), group, self._pivot(group))
            claims += self._take(limit - len(claims), group, 0)
        return claims

    def recall(self, seconds: float) -> None:
        """Makes rows due that an outage of so long has put off."""
        began_at = self._clock() - seconds - NOTICED_AFTER_SECONDS
        tried = self._waiting[Group.TRIED]
        for available_at, number in list(tried):
            row = self.rows[number]
            is_put_off = row.error_code in DOWN_CODES and row.errored_at > began_at
            if is_put_off and available_at > began_at:
                tried.remove((available_at, number))
                self.put(row, min(began_at + row.attempts, self._clock()))

    def next_due_at(self) -> float:
        now = self._clock()
        later = [
            waiting[place][0]
            for waiting in self._waiting.values()
            if (place := bisect_right(waiting, (now, 10**9))) < len(waiting)
        ]
        return min(later, default=float("inf"))

    def _pivot(self, group: Group) -> int:
        waiting = self._waiting[group]
        if not waiting:
            return 0
        moment = self._chance.uniform(waiting[0][0], waiting[-1][0])
        return bisect_left(waiting, (moment, 0))

    def _take(self, limit: int, group: Group, start: int) -> list[Claim]:
        waiting = self._waiting[group]
        end = min(start + limit, bisect_right(waiting, (self._clock(), 10**9)))
        taken = waiting[start:end]
        del waiting[start : max(start, end)]
        return [self._claim(self.rows[number]) for _, number in taken]

    def _claim(self, row: Row) -> Claim:
        row.attempts += 1
        left = row.arrived_at + LINK_LIVES_SECONDS - self._clock()
        return Claim(
            id=UUID(int=row.number),
            token=UUID(int=row.number),
            source_url=URL,
            attempt=row.attempts,
            max_attempts=None,
            seconds_until_expiry=left,
            seconds_since_due=0.0,
            own_errors=row.own_errors,
            seconds_until_given_up=left,
        )


@dataclass
class SimulatedSlots:
    """``on_start`` is called with each claim."""

    on_start: Callable[[Claim], None] = lambda _claim: None
    taken: int = 0
    under_way: dict[UUID, Claim] = field(default_factory=dict)
    holds_lost: bool = False

    @property
    def free_for_suspects(self) -> int:
        suspects = sum(claim.is_suspect for claim in self.under_way.values())
        return max(0, SUSPECTS - suspects)

    def take(self, *, most: int | None = None, withheld: int) -> int:
        assert not withheld, "it lacks nothing"
        free = SLOTS - self.taken if most is None else min(most, SLOTS - self.taken)
        self.taken += free
        return free

    def leave(self, free: int) -> None:
        self.taken -= free

    def start(self, claim: Claim) -> None:
        self.under_way[claim.id] = claim
        self.on_start(claim)


class SimulatedWorker:
    """Works off the rows of one ``host``; ``requests`` holds the moment of each request."""

    def __init__(self, host: Host, seed: int = 1) -> None:
        self.clock = Clock(0.0)
        self.requests: list[float] = []
        self.told: list[tuple[float, bool]] = []
        self._host = host
        self._chance = random.Random(seed)
        self._breakers = Breakers(self.clock)
        self.table = Table(self.clock, self._chance)
        self._slots = SimulatedSlots(self._start)
        table, slots = _as_any(self.table), _as_any(self._slots)
        self._dispatcher = Dispatcher(
            table, slots, self._breakers, Restraint(SLOTS), clock=self.clock
        )
        self._numbers = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def expect(self, rows: list[Row]) -> None:
        for row in rows:
            self._at(row.arrived_at, lambda row=row: self._arrive(row))  # type: ignore[misc]

    def run_until(self, end: float) -> None:
        """Attempts end and rows arrive. In between the claim loop wakes when it has to."""
        while self.clock.now < end:
            moment = min(self._wakes_at(), self._events[0][0] if self._events else end, end)
            self.clock.now = max(self.clock.now, moment)
            while self._events and self._events[0][0] <= self.clock.now:
                heapq.heappop(self._events)[2]()
            self._dispatcher.fill()
            self._tell_news()

    def _wakes_at(self) -> float:
        if self._slots.taken == SLOTS:
            return float("inf")
        seconds = self._breakers.seconds_until_change()
        change_at = float("inf") if seconds is None else self.clock.now + max(seconds, 0.001)
        return min(change_at, self.table.next_due_at())

    def _at(self, moment: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), happens))

    def _arrive(self, row: Row) -> None:
        self.table.put(row, self.clock.now)
        self._breakers.row_arrived()

    def _start(self, claim: Claim) -> None:
        self.requests.append(self.clock.now)
        seconds, error = self._host(self.table.rows[claim.id.int], self.clock.now)
        self._at(self.clock.now + seconds, lambda: self._end(claim, error))

    def _end(self, claim: Claim, error: AttemptError | None) -> None:
        del self._slots.under_way[claim.id]
        self._slots.leave(1)
        row = self.table.rows[claim.id.int]
        if error is None:
            self._breakers.succeeded(claim)
            row.ended_at = self.clock.now
        else:
            self._breakers.failed(claim, error)
            self._decide(row, claim, error)

    def _decide(self, row: Row, claim: Claim, error: AttemptError) -> None:
        tried = Tried(claim.attempt, claim.own_errors, claim.max_attempts, max_own_errors=8)
        left = row.arrived_at + LINK_LIVES_SECONDS - self.clock.now
        row.error_code, row.errored_at = error.code, self.clock.now
        match decide(error, tried, seconds_left=left, jitter=self._chance):
            case Retry(delay_seconds=delay, own_error=own):
                row.own_errors += own
                self.table.put(row, self.clock.now + delay)
            case Release(delay_seconds=delay):
                row.attempts -= 1
                self.table.put(row, self.clock.now + delay)
            case _:
                row.ended_at, row.failed = self.clock.now, True

    def _tell_news(self) -> None:
        for news in self._breakers.take_news():
            self.told.append((self.clock.now, news.is_over))
        for recovery in self._breakers.take_recoveries():
            self.table.recall(recovery.seconds)


def _as_any(part: Any) -> Any:
    """``part`` in place of a real one. The dispatcher uses no more of it than it has."""
    return part
