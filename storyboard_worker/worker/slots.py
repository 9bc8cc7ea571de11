"""The slots: as many attempts at once as the worker may make, one thread each."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID

from storyboard_worker.attempts.runner import Attempts, Ended, Outcome
from storyboard_worker.logs import log
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.storyboard import Claim
from storyboard_worker.wire.deadline import Deadline

SUSPECTS_SHARE = 4


class Slots:
    """Runs attempts in ``count`` threads, started when first needed.

    ``on_free`` is called, in the slot's thread, each time a slot becomes free; ``on_ended``
    with each attempt that is over. The threads are daemons: a stopping process has given its
    rows back and need not wait for a name server.
    """

    def __init__(
        self,
        attempts: Attempts,
        *,
        count: int,
        attempt_timeout_seconds: float,
        on_free: Callable[[], None],
        on_ended: Callable[[Ended], None] | None = None,
    ) -> None:
        self._attempts = attempts
        self._count = count
        self._attempt_timeout_seconds = attempt_timeout_seconds
        self._on_free = on_free
        self._on_ended = on_ended
        self._inbox: queue.SimpleQueue[tuple[Claim, Deadline] | None] = queue.SimpleQueue()
        self._under_way: dict[UUID, tuple[Claim, Deadline]] = {}
        self._lost: set[UUID] = set()
        self._taken = 0
        self._threads = 0
        self._changed = threading.Condition()
        self.tally: Counter[str] = Counter()

    @property
    def free(self) -> int:
        return max(0, self._count - self._taken)

    @property
    def under_way(self) -> list[Claim]:
        with self._changed:
            return [claim for claim, _ in self._under_way.values()]

    @property
    def none_is_overdue(self) -> bool:
        """No attempt goes on though its time is up."""
        with self._changed:
            return not any(deadline.overdue for _, deadline in self._under_way.values())

    @property
    def free_for_suspects(self) -> int:
        """Rows that have failed before may take a quarter of the slots while new ones wait: what
        hangs again and again must not fill the house."""
        most = max(1, self._count // SUSPECTS_SHARE)
        with self._changed:
            suspects = sum(claim.is_suspect for claim, _ in self._under_way.values())
        return max(0, most - suspects)

    @property
    def holds_lost(self) -> bool:
        """A row over which a worker was lost is under way."""
        with self._changed:
            return any(claim.workers_lost for claim, _ in self._under_way.values())

    def take(self, *, most: int | None = None, leaving: int = 0, withheld: int = 0) -> int:
        """Take free slots, for claims to come; returns how many.

        ``leaving``: so many more are about to be free. ``withheld``: so many have to stay free.
        Each is given to :meth:`start` or back with :meth:`leave`.
        """
        with self._changed:
            count = max(0, self._count - self._taken + leaving - withheld)
            count = count if most is None else min(count, most)
            self._taken += count
        return count

    def leave(self, count: int) -> None:
        """So many slots that were taken stay without work."""
        with self._changed:
            self._taken -= count

    def start(self, claim: Claim) -> None:
        """Begin an attempt in a slot that was taken for it, as soon as that is free."""
        deadline = Deadline(self._attempt_timeout_seconds)
        with self._changed:
            self._under_way[claim.token] = (claim, deadline)
            needed = self._threads < min(len(self._under_way), self._count)
            self._threads += needed
        self._inbox.put((claim, deadline))
        if needed:
            self._start_thread()

    def _start_thread(self) -> None:
        try:
            name = f"slot-{self._threads}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError as error:
            with self._changed:
                self._threads -= 1
            self._turn_away(error)

    def _turn_away(self, error: RuntimeError) -> None:
        """The system has no more threads for us, and those that there are have enough to do."""
        lack = exhaustion_in(error)
        if lack is None:
            raise error
        try:
            work = self._inbox.get_nowait()
        except queue.Empty:
            return  # one of them has taken it
        if work is not None:
            self._end(work[0], self._attempts.turn_away(work[0], lack))

    def cancel(self, claims: Collection[Claim], *, lost: bool = False) -> None:
        """Stop these attempts where they are; what they hold is dropped.

        ``lost``: because their rows are no longer ours, which is then their outcome.
        """
        with self._changed:
            found = [self._under_way.get(claim.token) for claim in claims]
            if lost:
                tokens = {claim.token for claim in claims}
                self._lost |= tokens & self._under_way.keys()
        for entry in found:
            if entry is not None:
                entry[1].cancel()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no attempt is under way, at most so long; whether that was reached."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, timeout=max(0.0, seconds))

    def close(self) -> None:
        """No more is started: each thread ends as soon as it has nothing under way."""
        with self._changed:
            threads = self._threads
        for _ in range(threads):
            self._inbox.put(None)

    def _work(self) -> None:
        while (work := self._inbox.get()) is not None:
            claim, deadline = work
            deadline.begin()
            self._end(claim, self._run(claim, deadline))

    def _end(self, claim: Claim, ended: Ended | None) -> None:
        with self._changed:
            del self._under_way[claim.token]
            ended = self._as_lost(ended)
            self._lost.discard(claim.token)
            self._taken -= 1
            if ended is not None:
                self.tally[ended.outcome] += 1
            self._changed.notify_all()
        if ended is not None and self._on_ended is not None:
            self._on_ended(ended)
        self._on_free()

    def _as_lost(self, ended: Ended | None) -> Ended | None:
        """An attempt that was stopped because its lease was lost has that as its outcome."""
        if ended is None or ended.outcome is not Outcome.CANCELLED:
            return ended
        if ended.claim.token not in self._lost:
            return ended
        return replace(ended, outcome=Outcome.LEASE_LOST)

    def _run(self, claim: Claim, deadline: Deadline) -> Ended | None:
        try:
            return self._attempts.run(claim, deadline)
        except Exception:  # noqa: BLE001  logged, and the slot lives on
            # A slot outlives whatever happens in it; the row comes back by its lease.
            log.exception("attempt broke", extra={"facts": {"storyboard_id": str(claim.id)}})
            return None
