"""How an attempt ends: first its work, then what is written of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from storyboard_worker.attempts.policy import Decision, Fail, Release, Retry
from storyboard_worker.errors import AttemptCancelled, AttemptError, LeaseLost
from storyboard_worker.queries.ends import End, ErrorEnd, Transition
from storyboard_worker.reporting.event_throttle import Reservation
from storyboard_worker.reporting.traces import TraceContext
from storyboard_worker.storyboard import Claim, StoredImage
from storyboard_worker.timings import Timings
from storyboard_worker.transfer.attempt import Attempt


class Outcome(StrEnum):
    """How a claim ended."""

    READY = "ready"
    RETRIED = "retried"
    FAILED = "failed"
    RELEASED = "released"
    LEASE_LOST = "lease_lost"
    CANCELLED = "cancelled"
    # What became of it could not be written down; its lease lapses, and the row is rescued.
    UNSETTLED = "unsettled"


class Asked(StrEnum):
    """What came of the wish to process a row now."""

    # By this worker, or by another one that was quicker.
    ATTEMPTED = "attempted"
    READY_BEFORE = "ready_before"
    HELD_BY_ANOTHER = "held_by_another"
    NO_ROW = "no_row"


# What an attempt's work comes to.
Result = StoredImage | AttemptError | AttemptCancelled | LeaseLost

_OF_DECISION: Mapping[type[Decision], Outcome] = {
    Retry: Outcome.RETRIED,
    Fail: Outcome.FAILED,
    Release: Outcome.RELEASED,
}


@dataclass(slots=True)
class Worked:
    """An attempt whose work is over, and of which nothing is written yet.

    ``decision`` says what follows from an error; ``None`` where even that could not be decided.
    ``trace`` links the event of a failure with the attempt's trace. ``reservation`` is the event
    that will be sent once the outcome is written. ``waits``: a try to write
    it has failed.
    """

    attempt: Attempt
    result: Result
    decision: Decision | None = None
    trace: TraceContext | None = None
    reservation: Reservation | None = None
    waits: bool = False

    @property
    def claim(self) -> Claim:
        return self.attempt.claim

    @property
    def error(self) -> AttemptError | None:
        return self.result if isinstance(self.result, AttemptError) else None

    @property
    def end(self) -> End | None:
        """What is to be written of it; ``None``: nothing."""
        if isinstance(self.result, StoredImage):
            return self.result
        if self.error is None:
            return None
        event_id = None if self.reservation is None else self.reservation.event_id
        match self.decision:
            case Retry(delay_seconds=delay, own_error=own):
                return ErrorEnd(Transition.RETRY, self.error, delay, own, event_id)
            case Release(delay_seconds=delay):
                return ErrorEnd(Transition.RELEASE, self.error, delay)
            case Fail():
                return ErrorEnd(Transition.FAIL, self.error, event_id=event_id)
            case None:
                return None

    @property
    def outcome(self) -> Outcome:
        """What the claim comes to, if that can be written."""
        match self.result:
            case StoredImage():
                return Outcome.READY
            case AttemptCancelled():
                return Outcome.CANCELLED
            case LeaseLost():
                return Outcome.LEASE_LOST
            case _:
                decision = self.decision
                return Outcome.UNSETTLED if decision is None else _OF_DECISION[type(decision)]

    def ended(self, outcome: Outcome) -> "Ended":
        """The same as an attempt that has come to its ``outcome``."""
        decision, result = self.decision, self.result
        return Ended(
            claim=self.claim,
            outcome=outcome,
            seconds=self.attempt.seconds,
            timings=self.attempt.timings,
            error=self.error,
            cdn_url=result.cdn_url if isinstance(result, StoredImage) else None,
            delay_seconds=decision.delay_seconds if isinstance(decision, Retry | Release) else None,
        )


@dataclass(slots=True)
class Ended:
    """An attempt that is over; ``error`` is ``None`` unless something went wrong, and the row may
    be tried again after ``delay_seconds`` if at all."""

    claim: Claim
    outcome: Outcome
    seconds: float
    timings: Timings
    error: AttemptError | None = None
    cdn_url: str | None = None
    delay_seconds: float | None = None


# Called with each attempt that is over.
OnEnded = Callable[[Ended], None]
