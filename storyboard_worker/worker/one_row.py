"""One row, done now: for a person at a terminal, or within a request."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from storyboard_worker.attempts.outcome import Asked, Ended, OnEnded, Outcome
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.database.patience import Insist
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.rows import FailedFilter, StoryboardRows
from storyboard_worker.settings.reading import Settings
from storyboard_worker.storyboard import Claim, Status
from storyboard_worker.transfer.attempt import Announce, Attempt
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.worker.housekeeping import Housekeeping
from storyboard_worker.worker.keeper import RENEWALS_PER_LEASE, Keeper

LOOK_SECONDS = 0.2

Row = dict[str, Any]


class Foreground:
    """``on_ended`` is called with each attempt that is over; ``insist`` makes each exchange with
    the database."""

    def __init__(
        self,
        *,
        insist: Insist,
        settings: Settings,
        rows: StoryboardRows,
        queue_: StoryboardQueue,
        housekeeping: Housekeeping,
        attempts: Attempts,
        on_ended: OnEnded | None = None,
    ) -> None:
        self._insist = insist
        self._settings = settings
        self._rows = rows
        self._queue = queue_
        self._housekeeping = housekeeping
        self._attempts = attempts
        self._on_ended = on_ended
        self._lock = threading.Lock()
        self._deadlines: set[Deadline] = set()
        self._stopped = threading.Event()

    def process(self, row: Row, announce: Announce) -> Asked:
        """See :meth:`_process`; what was claimed without an answer is given back in the end."""
        try:
            return self._process(row, announce)
        finally:
            with suppress(DatabaseUnavailable):
                self._queue.give_back_lost()

    def _process(self, row: Row, announce: Announce) -> Asked:
        """Make one attempt on the row, unless it is ready or another worker holds it.

        It may wait for a later attempt or have failed (then it starts afresh). Each step is
        announced; what became of it stands in the table. Takes no longer than one attempt may.
        """
        if row["status"] == Status.READY:
            announce("it is ready already")
            return Asked.READY_BEFORE
        insist = self._insist
        if row["status"] == Status.PROCESSING and insist(self._housekeeping.rescue).rescued:
            announce("a worker had died over it: rescued")
        afresh = bool(self._rows.retry(FailedFilter(ids=[row["id"]]), insist))
        if afresh:
            announce("it had failed: starting afresh")
        claim = insist(lambda: self._queue.claim_one(row["id"]))
        if claim is not None:
            limit = "" if claim.max_attempts is None else f" of {claim.max_attempts}"
            announce(f"claimed, attempt {claim.attempt}{limit}")
            self._attempt(claim, announce)
        elif afresh:
            announce("a worker was quicker: waiting for what becomes of it")
            self._wait_for_worker(row["id"])
        else:
            announce("another worker holds it this moment: left alone")
            return Asked.HELD_BY_ANOTHER
        return Asked.ATTEMPTED

    def stop(self) -> None:
        """Stop what is under way, and what begins from now on; rows are given back."""
        self._stopped.set()
        with self._lock:
            deadlines = list(self._deadlines)
        for deadline in deadlines:
            deadline.cancel()

    def _attempt(self, claim: Claim, announce: Announce) -> None:
        ended = self._run(claim, announce)
        if ended.outcome is Outcome.CANCELLED and not self._give_back(claim, announce):
            ended = replace(ended, outcome=Outcome.LEASE_LOST)
        if ended.outcome is Outcome.LEASE_LOST:
            announce("the row was taken away during the attempt; the result is dropped")
        if self._on_ended is not None:
            self._on_ended(ended)

    def _run(self, claim: Claim, announce: Announce) -> Ended:
        deadline = Deadline(self._settings.attempt_timeout_seconds)

        def renew() -> None:
            if self._queue.renew([claim]):
                deadline.cancel()

        interval_seconds = self._settings.lease_seconds / RENEWALS_PER_LEASE
        duties = [renew, self._queue.give_back_lost]
        keeper = Keeper(duties, interval_seconds=interval_seconds)
        try:
            keeper.start()
        except RuntimeError:
            # No thread is to be had, and without a keeper the lease would lapse.
            self._give_back(claim, announce)
            raise
        try:
            with self._stoppable(deadline):
                return self._attempts.run(Attempt(claim, deadline, announce))
        except KeyboardInterrupt:
            deadline.cancel()
            # A row that is being renewed is locked, and would not be given back.
            keeper.stop()
            self._give_back(claim, announce)
            raise
        finally:
            keeper.stop()

    @contextmanager
    def _stoppable(self, deadline: Deadline) -> Iterator[None]:
        with self._lock:
            self._deadlines.add(deadline)
        if self._stopped.is_set():
            deadline.cancel()
        try:
            yield
        finally:
            with self._lock:
                self._deadlines.discard(deadline)

    def _give_back(self, claim: Claim, announce: Announce) -> bool:
        """Whether it was still ours to give."""
        given_back = bool(self._insist(lambda: self._queue.give_back([claim])).count)
        if given_back:
            announce("interrupted: the row is given back, the attempt does not count")
        return given_back

    def _wait_for_worker(self, storyboard_id: UUID) -> None:
        looks = int(self._settings.attempt_timeout_seconds / LOOK_SECONDS)
        for _ in range(looks):
            row = self._insist(lambda: self._rows.get(storyboard_id))
            # A row just put back has neither. The attempt sets one of them.
            if row is None or row["finished_at"] or row["error_code"]:
                return
            if self._stopped.wait(LOOK_SECONDS):
                return
