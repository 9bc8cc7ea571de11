"""What follows once the database has answered for an outcome, or cannot."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended, OnEnded, Outcome, Worked
from storyboard_worker.attempts.telling import tell
from storyboard_worker.errors import LeaseLost
from storyboard_worker.logs import event, in_one_write, only_logged
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.resources.restraint import Restraint

# What writing an outcome came to: the outcome, or what keeps it from being written.
Conclusion = Outcome | Exception


def say_nothing(_ended: Ended) -> None:
    """For callers that read :attr:`Settled.ended` afterwards."""


@dataclass(slots=True)
class Settled:
    """What became of outcomes: those written, or dropped, and those that have to wait for the
    database. ``on_ended`` is called with each of the former at once."""

    on_ended: OnEnded = say_nothing
    ended: list[Ended] = field(default_factory=list)
    waiting: list[Worked] = field(default_factory=list)

    def end(self, ended: Ended) -> None:
        self.ended.append(ended)
        self.on_ended(ended)


class Concluding:
    """Of one worker."""

    def __init__(self, breakers: Breakers, reporter: Reporter, restraint: Restraint) -> None:
        self._breakers = breakers
        self._reporter = reporter
        self._restraint = restraint

    def conclude(self, conclusions: Iterable[tuple[Worked, Conclusion]], settled: Settled) -> None:
        """End each attempt that is over, tell of it, and keep the others in
        :attr:`Settled.waiting`."""
        over: list[tuple[Worked, Ended]] = []
        for work, conclusion in conclusions:
            match conclusion:
                case Outcome():
                    over.append((work, work.ended(conclusion)))
                case LeaseLost():
                    self._breakers.abandoned(work.claim)
                    over.append((work, work.ended(Outcome.LEASE_LOST)))
                case _:
                    self._wait(work, conclusion, settled)
        # Telling takes time, in which the keeper would take rows that are written for lost.
        for _, ended in over:
            settled.end(ended)
        with in_one_write():
            for work, ended in over:
                self._tell(work, ended)

    def _tell(self, work: Worked, ended: Ended) -> None:
        if ended.outcome is Outcome.READY:
            self._restraint.ended_well()
        with only_logged("telling of an attempt"):
            tell(self._reporter, work, ended)

    def _wait(self, work: Worked, reason: Exception, settled: Settled) -> None:
        lack = exhaustion_in(reason)
        if lack is not None:
            self._restraint.met(lack)
        if not work.waits:
            # Once for each outcome: every try would fill the log of a long outage.
            event(logging.WARNING, "outcome waits for the database", reason=reason)
        # It is the database that is late, not the attempt.
        work.attempt.deadline.prolong()
        settled.waiting.append(replace(work, waits=True))
