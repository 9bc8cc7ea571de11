"""Writing outcomes down, in the thread that owns the attempts; then telling of them."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended, OnEnded, Outcome, Worked
from storyboard_worker.attempts.policy import Fail, Release, Retry
from storyboard_worker.attempts.telling import is_reported, tell
from storyboard_worker.attempts.working import Working, as_attempt_error
from storyboard_worker.errors import (
    AttemptError,
    DatabaseUnavailable,
    DataRefused,
    LeaseLost,
    SchemaOutdated,
)
from storyboard_worker.logs import event, only_logged
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.completing import Completion
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim, StoredImage

# Each outcome may wait for a lock, or for a database that does not answer. After so many seconds in
# vain, of all outcomes of a turn together, the rest is put off.
MOST_SECONDS_IN_VAIN = 1.0


def say_nothing(_ended: Ended) -> None:
    """For callers that read :attr:`Settled.ended` afterwards."""


@dataclass(slots=True)
class Settled:
    """What became of outcomes: those written, or dropped, and those that have to wait for the
    database. ``on_ended`` is called with each of the former at once."""

    on_ended: OnEnded = say_nothing
    ended: list[Ended] = field(default_factory=list)
    waiting: list[Worked] = field(default_factory=list)
    seconds_in_vain: float = 0.0

    def end(self, ended: Ended) -> None:
        self.ended.append(ended)
        self.on_ended(ended)


class Refill(Protocol):
    """Has slots that completions make free, and wants work for them at once."""

    def take(self, completions: int) -> int:
        """How many rows to claim along with so many completions."""

    def start(self, claims: list[Claim], taken: int) -> None:
        """What was claimed then, of so many; called after each :meth:`take` of more than none."""


class Settling:
    """Of one worker."""

    def __init__(
        self,
        queue: StoryboardQueue,
        working: Working,
        breakers: Breakers,
        reporter: Reporter,
        restraint: Restraint,
    ) -> None:
        self._queue = queue
        self._working = working
        self._breakers = breakers
        self._reporter = reporter
        self._restraint = restraint

    def settle(
        self,
        works: Sequence[Worked],
        refill: Refill | None = None,
        on_ended: OnEnded = say_nothing,
        moves: Callable[[], None] = lambda: None,
    ) -> Settled:
        """Write the outcomes, and claim new rows along with the images. ``moves`` is called before
        the images and before the others, because each may take a time-out.

        Never raises. Where the database is away, the work is done all the same, and the claim
        token still guards the row when the database is back.
        """
        settled = Settled(on_ended)
        stored = [work for work in works if isinstance(work.result, StoredImage)]
        others = [work for work in works if not isinstance(work.result, StoredImage)]
        if stored:
            moves()
            others += self._complete(stored, refill, settled)
        if others:
            moves()
        for work in _in_turn(others, settled):
            self._end(work, settled)
        return settled

    def _complete(
        self, stored: list[Worked], refill: Refill | None, settled: Settled
    ) -> list[Worked]:
        """Those whose image the database refuses: they end with that error."""
        images = [
            (work.claim, work.result) for work in stored if isinstance(work.result, StoredImage)
        ]
        verdicts: Sequence[Exception | None]
        try:
            verdicts = self._written(images, refill)
        except (DatabaseUnavailable, SchemaOutdated) as error:
            verdicts = [error] * len(stored)
        except Exception as error:  # noqa: BLE001  it is this row's, or each is tried alone
            if len(stored) > 1:
                return [
                    refused
                    for work in _in_turn(stored, settled)
                    for refused in self._complete([work], None, settled)
                ]
            verdicts = [error]
        return [
            refused
            for work, verdict in zip(stored, verdicts, strict=True)
            if (refused := self._completed(work, verdict, settled)) is not None
        ]

    def _written(
        self, images: list[Completion], refill: Refill | None
    ) -> Sequence[Exception | None]:
        taken = refill.take(len(images)) if refill else 0
        if refill is None or not taken:
            return self._queue.complete_all(images)[0]
        claims: list[Claim] = []
        try:
            verdicts, claims = self._queue.complete_all(images, claim=taken)
        finally:
            # At once, before anything is told: slots have nothing to do.
            refill.start(claims, taken)
        return verdicts

    def _completed(
        self, work: Worked, verdict: Exception | None, settled: Settled
    ) -> Worked | None:
        match verdict:
            case None:
                self._restraint.ended_well()
                self._told(work, Outcome.READY, settled)
            case LeaseLost():
                self._lost(work, settled)
            case DatabaseUnavailable() | SchemaOutdated():
                self._waits(work, verdict, settled)
            case _:
                refused = as_attempt_error(work.attempt, verdict)
                return replace(self._working.judge(work.attempt, refused), trace=work.trace)
        return None

    def _end(self, work: Worked, settled: Settled) -> None:
        error = work.error
        if error is None or work.decision is None:
            self._told(work, work.outcome, settled)
            return
        if work.reservation is None and is_reported(work):
            reservation = self._reporter.reserve(error.code, error.upstream or work.claim.host)
            work = replace(work, reservation=reservation)
        try:
            outcome = self._write(work, error)
        except LeaseLost:
            self._lost(work, settled)
        except (DatabaseUnavailable, SchemaOutdated) as reason:
            self._waits(work, reason, settled)
        except Exception as reason:  # noqa: BLE001  logged and reported, and the others go on
            broken = self._working.broken(work.attempt, reason)
            self._told(broken, Outcome.UNSETTLED, settled)
        else:
            self._told(work, outcome, settled)

    def _told(self, work: Worked, outcome: Outcome, settled: Settled) -> None:
        ended = work.ended(outcome)
        settled.end(ended)
        with only_logged("telling of an attempt"):
            tell(self._reporter, work, ended)

    def _lost(self, work: Worked, settled: Settled) -> None:
        self._breakers.abandoned(work.claim)
        self._told(work, Outcome.LEASE_LOST, settled)

    def _waits(self, work: Worked, reason: Exception, settled: Settled) -> None:
        lack = exhaustion_in(reason)
        if lack is not None:
            self._restraint.met(lack)
        if not work.waits:
            # Once for each outcome: every try would fill the log of a long outage.
            event(logging.WARNING, "outcome waits for the database", reason=reason)
        # It is the database that is late, not the attempt.
        work.attempt.deadline.prolong()
        settled.waiting.append(replace(work, waits=True))

    def _write(self, work: Worked, error: AttemptError) -> Outcome:
        try:
            return self._write_as_it_is(work, error)
        except DataRefused:
            pass  # Maybe a character that a database of another encoding cannot hold.
        try:
            return self._write_as_it_is(work, error.in_ascii())
        except DataRefused as refused:
            self._queue.set_aside(work.claim.id, refused)
            return Outcome.FAILED

    def _write_as_it_is(self, work: Worked, error: AttemptError) -> Outcome:
        queue, claim = self._queue, work.claim
        event_id = None if work.reservation is None else work.reservation.event_id
        match work.decision:
            case Retry(delay_seconds=delay, own_error=own):
                queue.retry(
                    claim, error, delay_seconds=delay, sentry_event_id=event_id, own_error=own
                )
            case Release(delay_seconds=delay):
                queue.release(claim, error, delay_seconds=delay)
            case Fail() | None:
                queue.fail(claim, error, sentry_event_id=event_id)
        return work.outcome


def _in_turn(works: Sequence[Worked], settled: Settled) -> Iterator[Worked]:
    """One after the other, until too much time has passed in vain. The others wait as well, and
    come first at the next try."""
    for place, work in enumerate(works):
        if settled.seconds_in_vain > MOST_SECONDS_IN_VAIN:
            put_off = works[place:]
            for one in put_off:
                one.attempt.deadline.prolong()
            settled.waiting[:0] = put_off
            return
        began_at, waiting = time.monotonic(), len(settled.waiting)
        yield work
        if len(settled.waiting) > waiting:
            settled.seconds_in_vain += time.monotonic() - began_at
