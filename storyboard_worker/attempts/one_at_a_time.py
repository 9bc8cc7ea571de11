"""Outcomes that the database refuses together are written one at a time."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from storyboard_worker.attempts.concluding import Concluding, Conclusion, Settled
from storyboard_worker.attempts.outcome import Outcome, Worked
from storyboard_worker.attempts.telling import reserved
from storyboard_worker.attempts.working import Working, as_attempt_error
from storyboard_worker.errors import DatabaseUnavailable, DataRefused, SchemaOutdated
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.storyboard import StoredImage

# Each outcome may wait for a database that does not answer. After so many seconds in vain, of all
# outcomes of a turn together, the rest is put off.
MOST_SECONDS_IN_VAIN = 1.0


class OneAtATime:
    """Of one worker."""

    def __init__(
        self,
        queue: StoryboardQueue,
        working: Working,
        concluding: Concluding,
        reporter: Reporter,
    ) -> None:
        self._queue = queue
        self._working = working
        self._concluding = concluding
        self._reporter = reporter

    def settle_each(
        self, works: Sequence[Worked], settled: Settled, moves: Callable[[], None]
    ) -> None:
        """Write each outcome that can be written. ``moves`` is called before each."""
        for work in _in_turn(works, settled):
            moves()
            self._settle(work, settled)

    def settle_refused(self, work: Worked, reason: Exception, settled: Settled) -> None:
        """End an attempt whose outcome was refused by itself, for this ``reason``.

        An image that is refused ends with that error. An error is written in ASCII, or its row is
        set aside.
        """
        if isinstance(work.result, StoredImage):
            error = as_attempt_error(work.attempt, reason)
            judged = replace(self._working.judge(work.attempt, error), trace=work.trace)
            self._settle(reserved(self._reporter, judged), settled)
            return
        try:
            conclusion = self._last_resort(work, reason)
        except Exception as unexpected:  # noqa: BLE001  logged and reported, and the others go on
            work = self._working.broken(work.attempt, unexpected)
            conclusion = Outcome.UNSETTLED
        self._concluding.conclude([(work, conclusion)], settled)

    def _settle(self, work: Worked, settled: Settled) -> None:
        try:
            conclusion = self._write(work)
        except Exception as reason:  # noqa: BLE001  it is this row's
            self.settle_refused(work, reason, settled)
        else:
            self._concluding.conclude([(work, conclusion)], settled)

    def _last_resort(self, work: Worked, reason: Exception) -> Conclusion:
        if work.error is None or not isinstance(reason, DataRefused):
            raise reason
        try:
            # Maybe a character that a database of another encoding cannot hold.
            return self._write(replace(work, result=work.error.in_ascii()))
        except DataRefused as refused:
            return self._set_aside(work, refused)

    def _write(self, work: Worked) -> Conclusion:
        if (end := work.end) is None:
            return work.outcome
        try:
            [verdict], _ = self._queue.end_all([(work.claim, end)])
        except (DatabaseUnavailable, SchemaOutdated) as error:
            return error
        return verdict or work.outcome

    def _set_aside(self, work: Worked, refused: DataRefused) -> Conclusion:
        try:
            self._queue.set_aside(work.claim.id, refused)
        except (DatabaseUnavailable, SchemaOutdated) as error:
            return error
        return Outcome.FAILED


def _in_turn(works: Sequence[Worked], settled: Settled) -> Iterator[Worked]:
    """One after the other, until too much time has passed in vain. The others wait as well, and
    come first at the next try."""
    seconds_in_vain = 0.0
    for place, work in enumerate(works):
        if seconds_in_vain > MOST_SECONDS_IN_VAIN:
            put_off = works[place:]
            for one in put_off:
                one.attempt.deadline.prolong()
            settled.waiting[:0] = put_off
            return
        began_at, waiting = time.monotonic(), len(settled.waiting)
        yield work
        if len(settled.waiting) > waiting:
            seconds_in_vain += time.monotonic() - began_at
