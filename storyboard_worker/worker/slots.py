"""The slots: as many attempts at once as the worker may make, one thread each."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from storyboard_worker.attempts.outcome import Ended, Worked
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.errors import AttemptCancelled, LeaseLost
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.settings.processes import SUSPECTS_SHARE
from storyboard_worker.storyboard import Claim
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.transport import Begun

# What one attempt counts in their average.
NEWEST_SHARE = 0.1


class Slots:
    """Runs attempts in ``count`` threads, started when first needed.

    ``on_worked`` is called, in the slot's thread, with each attempt whose work is over. Its slot
    is free again when :meth:`end` is called with what it has come to. Rows that were claimed ahead
    begin only while ``may_begin`` says so; ``on_held`` is called for each that may not. ``begin``
    asks for the image of a row that comes while nothing is under way; the slot's thread goes on
    with it. The threads are daemons: a stopping process has given its rows back and need not wait
    for a name server.
    """

    def __init__(
        self,
        attempts: Attempts,
        *,
        count: int,
        attempt_timeout_seconds: float,
        on_worked: Callable[[Worked], None],
        may_begin: Callable[[], bool] = lambda: True,
        on_held: Callable[[], None] = lambda: None,
        begin: Callable[[Claim, Deadline], Begun | None] = lambda _claim, _deadline: None,
    ) -> None:
        self._attempts = attempts
        self.count = count
        self._may_begin = may_begin
        self._on_held = on_held
        self._begin = begin
        self._attempt_timeout_seconds = attempt_timeout_seconds
        self._on_worked = on_worked
        self._inbox: queue.SimpleQueue[Attempt | None] = queue.SimpleQueue()
        self._under_way: dict[UUID, Attempt] = {}
        self._lost: set[UUID] = set()
        # Claimed ahead; and those that may not begin, which are no longer among the former.
        self._ahead: set[UUID] = set()
        self._held: dict[UUID, Claim] = {}
        self._taken = 0
        self._threads = 0
        self._work_seconds = 0.0
        self._lock = threading.Lock()
        self.tally: Counter[str] = Counter()

    @property
    def free(self) -> int:
        return max(0, self.count - self._taken)

    @property
    def work_seconds(self) -> float:
        """How long attempts have worked of late, on average."""
        return self._work_seconds

    @property
    def under_way(self) -> list[Claim]:
        """Those as well whose outcome is not written yet."""
        with self._lock:
            return [attempt.claim for attempt in self._under_way.values()]

    @property
    def busy(self) -> int:
        """How many slots have a row. Rows claimed ahead have none."""
        return min(self.count, len(self._under_way))

    @property
    def none_is_overdue(self) -> bool:
        """No attempt goes on though its time is up."""
        with self._lock:
            return not any(attempt.deadline.overdue for attempt in self._under_way.values())

    @property
    def free_for_suspects(self) -> int:
        """Rows that have failed before may take a quarter of the slots while new ones wait: rows
        that keep hanging must not take all of them."""
        most = max(1, self.count // SUSPECTS_SHARE)
        return max(0, most - sum(claim.is_suspect for claim in self.under_way))

    @property
    def holds_lost(self) -> bool:
        """A row over which a worker was lost is under way."""
        return any(claim.workers_lost for claim in self.under_way)

    def take(self, *, most: int | None = None, ahead: int = 0, withheld: int = 0) -> int:
        """Take free slots, for claims to come; returns how many.

        ``ahead``: so many more, which attempts under way still hold. ``withheld``: so many have
        to stay free. Each is given to :meth:`start` or back with :meth:`leave`.
        """
        with self._lock:
            count = max(0, self.count - self._taken + ahead - withheld)
            count = count if most is None else min(count, most)
            self._taken += count
        return count

    def leave(self, count: int) -> None:
        """So many slots that were taken stay without work."""
        with self._lock:
            self._taken -= count

    def start(self, claim: Claim, *, ahead: bool = False) -> None:
        """Begin an attempt in a slot that was taken for it, as soon as that is free.

        ``ahead``: it may be held back then.
        """
        deadline = Deadline(self._attempt_timeout_seconds)
        # One that was claimed ahead may be held back. Under load this would gain nothing.
        begun = None if ahead or self._under_way else self._begin(claim, deadline)
        attempt = Attempt(claim, deadline, begun=begun)
        with self._lock:
            self._under_way[claim.token] = attempt
            if ahead:
                self._ahead.add(claim.token)
            needed = self._threads < min(len(self._under_way), self.count)
            self._threads += needed
        self._inbox.put(attempt)
        if needed:
            self._start_thread()

    def end(self, ended: Ended) -> None:
        """What became of an attempt is known: its slot is free."""
        with self._lock:
            del self._under_way[ended.claim.token]
            if self._lost:
                self._lost.discard(ended.claim.token)
            self._ahead.discard(ended.claim.token)
            self._taken -= 1
            self.tally[ended.outcome] += 1

    def held_back(self) -> list[Claim]:
        """The rows claimed ahead that may not begin. They are under way until :meth:`drop`."""
        if self._ahead and not self._may_begin():
            self._hold_waiting()
        with self._lock:
            return list(self._held.values())

    def drop(self, claims: Collection[Claim]) -> None:
        """These rows were held back and are no longer ours."""
        with self._lock:
            for claim in claims:
                del self._held[claim.token]
                del self._under_way[claim.token]
                self._lost.discard(claim.token)
            self._taken -= len(claims)

    def cancel(self, claims: Collection[Claim], *, lost: bool = False) -> None:
        """Stop these attempts where they are; what they hold is dropped.

        ``lost``: because their rows are no longer ours, which is then their outcome.
        """
        with self._lock:
            found = [self._under_way.get(claim.token) for claim in claims]
            if lost:
                tokens = {claim.token for claim in claims}
                self._lost |= tokens & self._under_way.keys()
        for attempt in found:
            if attempt is not None:
                attempt.deadline.cancel()

    def close(self) -> None:
        """No more is started: each thread ends as soon as it has nothing under way."""
        with self._lock:
            threads = self._threads
        for _ in range(threads):
            self._inbox.put(None)

    def _start_thread(self) -> None:
        try:
            name = f"slot-{self._threads}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError as error:
            with self._lock:
                self._threads -= 1
            self._turn_away(error)

    def _turn_away(self, error: RuntimeError) -> None:
        """The system has no more threads for us, and those that there are have enough to do."""
        lack = exhaustion_in(error)
        if lack is None:
            raise error
        try:
            attempt = self._inbox.get_nowait()
        except queue.Empty:
            return  # one of them has taken it
        if attempt is not None:
            _close_unused(attempt)
            self._on_worked(self._attempts.refuse(attempt, lack))

    def _hold_waiting(self) -> None:
        waiting = []
        with suppress(queue.Empty):
            while True:
                waiting.append(self._inbox.get_nowait())
        for attempt in waiting:
            if attempt is None or not self._hold(attempt):
                self._inbox.put(attempt)

    def _hold(self, attempt: Attempt) -> bool:
        """Hold it back, if it was claimed ahead."""
        token = attempt.claim.token
        with self._lock:
            if token not in self._ahead:
                return False
            self._ahead.discard(token)
            self._held[token] = attempt.claim
        return True

    def _work(self) -> None:
        while (attempt := self._inbox.get()) is not None:
            if not self._may_begin() and self._hold(attempt):
                self._on_held()
                continue
            attempt.begin()
            worked = self._attempts.work(attempt)
            _close_unused(attempt)
            # Each thread writes it, and a value that is lost now and then does not matter.
            self._work_seconds += (attempt.seconds - self._work_seconds) * NEWEST_SHARE
            self._on_worked(self._as_lost(worked))

    def _as_lost(self, worked: Worked) -> Worked:
        """An attempt that was stopped because its lease was lost has that as its outcome."""
        if isinstance(worked.result, AttemptCancelled) and worked.claim.token in self._lost:
            return replace(worked, result=LeaseLost())
        return worked


def _close_unused(attempt: Attempt) -> None:
    """The attempt came to its end before it used the request that was begun for it."""
    if attempt.begun is not None:
        attempt.begun.close()
