"""A shift: claims go into slots, outcomes come out and are written. The worker and the sweep each
work one."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended, OnEnded, Worked
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.errors import AttemptCancelled
from storyboard_worker.logs import event, only_logged
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.reading import Settings
from storyboard_worker.storyboard import Claim, StoredImage
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.transport import Begun
from storyboard_worker.worker.dispatch import Dispatcher
from storyboard_worker.worker.held_rows import HeldRows, give_back_within
from storyboard_worker.worker.outbox import Outbox
from storyboard_worker.worker.slots import Slots


@dataclass(frozen=True, slots=True)
class Team:
    """Who works a shift; ``on_ended`` is called with each attempt that is over."""

    queue: StoryboardQueue
    attempts: Attempts
    breakers: Breakers
    restraint: Restraint
    on_ended: OnEnded | None = None


class Shift:
    """All methods are for one thread. ``wake`` is called in others: an outcome has come.
    ``limit``: how many attempts may be started in all. ``moves`` is called between exchanges
    with the database."""

    def __init__(
        self,
        team: Team,
        settings: Settings,
        wake: Callable[[], None],
        *,
        limit: int | None = None,
        moves: Callable[[], None] = lambda: None,
    ) -> None:
        self._queue = team.queue
        self._attempts = team.attempts
        self._on_ended = team.on_ended
        self._wake = wake
        self._moves = moves
        self._outbox = Outbox()
        self.slots = Slots(
            team.attempts,
            count=settings.worker_concurrency,
            attempt_timeout_seconds=settings.attempt_timeout_seconds,
            on_worked=self._worked,
            may_begin=lambda: self.dispatcher.starts_freely,
            on_held=self._row_is_held,
            begin=self._begin,
        )
        self.dispatcher = Dispatcher(
            team.queue, self.slots, team.breakers, team.restraint, limit=limit
        )
        self._held = HeldRows(team.queue, self.slots)

    def _worked(self, worked: Worked) -> None:
        self._outbox.put(worked)
        self._wake()

    def _begin(self, claim: Claim, deadline: Deadline) -> Begun | None:
        return self._attempts.begin(claim, deadline)

    def _row_is_held(self) -> None:
        # A stopping worker waits for the outbox alone.
        self._outbox.nudge()
        self._wake()

    def settle(self) -> list[Ended]:
        """Write the outcomes that have come, and start new rows in their place; those that are
        over. Never raises: what the database does not take is tried again."""
        works = self._outbox.take()
        # After that: a nudge that was taken with them tells of a row that is seen now.
        self._held.give_back()
        if not works:
            return []
        settled = self._attempts.settle(works, self.dispatcher, self._end, self._moves)
        self._outbox.keep(settled.waiting)
        return settled.ended

    @property
    def seconds_until_settling(self) -> float | None:
        """When what waits for the database is tried again: outcomes, and rows that may not begin.
        ``None``: nothing waits."""
        waits = (self._outbox.seconds_until_again, self._held.seconds_until_again)
        return min((seconds for seconds in waits if seconds is not None), default=None)

    def settle_until(self, seconds_left: Callable[[], float]) -> None:
        """Start no more, and settle until nothing is under way or no time is left; at least what
        has come."""
        self.dispatcher.close()
        self.settle()
        while self.slots.under_way and (seconds := seconds_left()) > 0:
            again = self.seconds_until_settling
            self._outbox.wait(seconds if again is None else min(seconds, again))
            self.settle()

    def give_back(self, seconds: float) -> int:
        """Stop what is under way and give its rows back; how many were. Rows that are locked are
        tried again for so many seconds; then, and when this raises
        :class:`DatabaseUnavailable`, they come back by their lease."""
        unfinished = self.slots.under_way
        self.slots.cancel(unfinished)
        given_back = give_back_within(seconds, unfinished, self._queue)
        return given_back + self._queue.give_back_lost()

    def drop(self, seconds: float) -> None:
        """Let those that were stopped come to their end, at most so long; nothing of them is
        written."""
        ends_at = time.monotonic() + seconds
        while True:
            for worked in self._outbox.take_all():
                self._drop(worked)
            # What never began has no end to come to.
            self.slots.drop(self.slots.held_back())
            left = ends_at - time.monotonic()
            if not self.slots.under_way or left <= 0:
                return
            self._outbox.wait(left)

    def renew_leases(self) -> None:
        """Renew the lease of everything under way; stop what is no longer ours. For the keeper's
        thread."""
        missing = self._queue.renew(self.slots.under_way)
        # An attempt that ended in between has not lost its row, it has finished it.
        under_way = {claim.token for claim in self.slots.under_way}
        lost = [claim for claim in missing if claim.token in under_way]
        for claim in lost:
            event(logging.WARNING, "lease lost", storyboard_id=claim.id, attempt=claim.attempt)
        self.slots.cancel(lost, lost=True)

    def _drop(self, worked: Worked) -> None:
        if isinstance(worked.result, StoredImage) or worked.error is not None:
            worked = Worked(worked.attempt, AttemptCancelled())
        self._attempts.settle([worked], on_ended=self._end)

    def _end(self, ended: Ended) -> None:
        self.slots.end(ended)
        if self._on_ended is not None:
            with only_logged("telling that an attempt is over"):
                self._on_ended(ended)
