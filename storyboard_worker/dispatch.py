"""From the table to the slots: claim what is due for as many slots as are free."""

import logging
from dataclasses import dataclass

from storyboard_worker.errors import STORAGE_UPSTREAM
from storyboard_worker.logs import event
from storyboard_worker.models import Claim
from storyboard_worker.pauses import Pauses
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.slots import Slots


@dataclass(frozen=True, slots=True)
class Filled:
    """``started`` attempts; ``look_again`` as soon as one ends: all slots are taken, or
    storage is paused or on probation, so rows may be due that were not taken. ``held_back``: some
    hosts were passed over, and any attempt that ends may open them. ``left_free`` slots stayed
    without work."""

    started: int
    look_again: bool
    held_back: bool
    left_free: int


class Dispatcher:
    """``limit``: how many attempts may be started in all; ``None`` for no limit."""

    def __init__(
        self, queue: StoryboardQueue, slots: Slots, pauses: Pauses, *, limit: int | None = None
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._pauses = pauses
        self._left = limit
        self._rows_are_left = False
        self._closed = False

    def close(self) -> None:
        """Start no more."""
        self._closed = True

    @property
    def exhausted(self) -> bool:
        """No more may be started."""
        return self._left is not None and self._left <= 0

    def fill(self) -> Filled:
        """Start attempts in the free slots."""
        taken = self._slots.take(most=self._left)
        started = 0
        try:
            wanted = self._pauses.storage_allows(taken)
            for host in self._pauses.hosts_to_probe()[:wanted]:
                started += self._probe(host)
            avoided = self._pauses.hosts_to_avoid()
            if started < wanted:
                claims = self._queue.claim(wanted - started, without_hosts=avoided)
                started += self._start(claims)
        finally:
            self._slots.leave(taken - started)
        self._rows_are_left = started == wanted and not avoided
        return Filled(
            started,
            look_again=started == wanted,
            held_back=bool(avoided),
            left_free=taken - started,
        )

    def take(self, completions: int) -> int:
        """How many rows to claim along with so many completions (see :class:`Refill`).

        As many as slots will be free then, while rows are known to wait and no upstream is in
        trouble: whatever is more difficult is left to :meth:`fill`.
        """
        easy = self._rows_are_left and self._left is None and self._pauses.all_open
        return self._slots.take(leaving=completions) if easy and not self._closed else 0

    def start(self, claims: list[Claim], taken: int) -> None:
        """Start what was claimed along with completions."""
        _log_claimed(claims)
        for claim in claims:
            self._slots.start(claim)
        self._slots.leave(taken - len(claims))
        self._rows_are_left = len(claims) == taken

    def _probe(self, host: str) -> int:
        claims = self._queue.claim(1, host=host)
        if claims:
            self._pauses.start_probe(host)
        else:
            self._pauses.nothing_to_probe(host)
        return self._start(claims)

    def _start(self, claims: list[Claim]) -> int:
        _log_claimed(claims)
        for claim in claims:
            # While storage is on probation this is the one row that may ask it.
            self._pauses.start_probe(STORAGE_UPSTREAM)
            self._slots.start(claim)
        if self._left is not None:
            self._left -= len(claims)
        return len(claims)


def _log_claimed(claims: list[Claim]) -> None:
    """One line a claim, however many rows it brought."""
    if claims:
        event(
            logging.INFO,
            "claimed",
            count=len(claims),
            longest_due_seconds=max(claim.seconds_since_due for claim in claims),
            storyboard_ids=[str(claim.id) for claim in claims],
        )
