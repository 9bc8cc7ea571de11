"""Writing outcomes down, in the thread that owns the attempts; then telling of them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.concluding import Concluding, Settled, say_nothing
from storyboard_worker.attempts.one_at_a_time import OneAtATime
from storyboard_worker.attempts.outcome import OnEnded, Worked
from storyboard_worker.attempts.telling import reserved
from storyboard_worker.attempts.working import Working
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.ending import Verdict
from storyboard_worker.queries.ends import ClaimEnd
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim


class Refill(Protocol):
    """Has slots that the ends of claims make free, and wants work for them at once."""

    def take(self, ends: int) -> int:
        """How many rows to claim along with so many ends."""

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
        self._reporter = reporter
        self._concluding = Concluding(breakers, reporter, restraint)
        self._one_at_a_time = OneAtATime(queue, working, self._concluding, reporter)

    def settle(
        self,
        works: Sequence[Worked],
        refill: Refill | None = None,
        on_ended: OnEnded = say_nothing,
        moves: Callable[[], None] = lambda: None,
    ) -> Settled:
        """Write the outcomes and claim new rows, in one message to the database. Outcomes that it
        refuses together are written one at a time, and ``moves`` is called before each message,
        because each may take a time-out.

        Never raises. Where the database is away, the work is done all the same, and the claim
        token still guards the row when the database is back.
        """
        settled = Settled(on_ended)
        to_write = [reserved(self._reporter, work) for work in works if work.end is not None]
        if len(to_write) < len(works):
            nothing = [(work, work.outcome) for work in works if work.end is None]
            self._concluding.conclude(nothing, settled)
        if to_write:
            moves()
            self._write(to_write, refill, settled, moves)
            self._queue.list_unshown()
        return settled

    def _write(
        self,
        works: list[Worked],
        refill: Refill | None,
        settled: Settled,
        moves: Callable[[], None],
    ) -> None:
        verdicts: Sequence[Exception | None]
        try:
            verdicts = self._written(works, refill)
        except (DatabaseUnavailable, SchemaOutdated) as error:
            verdicts = [error] * len(works)
        except Exception as error:  # noqa: BLE001  it is this row's, or each is tried alone
            if len(works) == 1:
                self._one_at_a_time.settle_refused(works[0], error, settled)
            else:
                self._one_at_a_time.settle_each(works, settled, moves)
            return
        conclusions = [
            (work, verdict or work.outcome) for work, verdict in zip(works, verdicts, strict=True)
        ]
        self._concluding.conclude(conclusions, settled)

    def _written(self, works: list[Worked], refill: Refill | None) -> list[Verdict]:
        ends: list[ClaimEnd] = [(work.claim, end) for work in works if (end := work.end)]
        taken = refill.take(len(ends)) if refill else 0
        if refill is None or not taken:
            return self._queue.end_all(ends)[0]
        claims: list[Claim] = []
        try:
            verdicts, claims = self._queue.end_all(ends, claim=taken)
        finally:
            # At once, before anything is told: slots have nothing to do.
            refill.start(claims, taken)
        return verdicts
