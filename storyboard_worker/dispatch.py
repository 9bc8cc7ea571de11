"""From the table to the slots: claim what is due for as many slots as are free."""

from dataclasses import dataclass

from storyboard_worker.errors import STORAGE_UPSTREAM
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
        free = max(0, self._slots.free)
        wanted = self._pauses.storage_allows(self._limited(free))
        started = 0
        for host in self._pauses.hosts_to_probe()[:wanted]:
            started += self._probe(host)
        avoided = self._pauses.hosts_to_avoid()
        if started < wanted:
            claims = self._queue.claim(wanted - started, without_hosts=avoided)
            self._start(claims)
            started += len(claims)
        self._rows_are_left = started == wanted and not avoided
        return Filled(
            started,
            look_again=started == wanted,
            held_back=bool(avoided),
            left_free=free - started,
        )

    def wanted(self, completions: int) -> int:
        """How many rows to claim together with so many completions (see :class:`Refill`).

        As many as slots will be free then, while rows are known to wait and no upstream is in
        trouble: whatever is more difficult is left to :meth:`fill`.
        """
        if self._closed or not self._rows_are_left or self._left is not None:
            return 0
        return self._slots.free + completions if self._pauses.all_open else 0

    def take(self, claims: list[Claim], wanted: int) -> None:
        """Start what was claimed together with completions, whose slots are about to be free."""
        self._rows_are_left = len(claims) == wanted
        for claim in claims:
            self._slots.start(claim)

    def _limited(self, free: int) -> int:
        return free if self._left is None else min(free, self._left)

    def _probe(self, host: str) -> int:
        claims = self._queue.claim(1, host=host)
        if claims:
            self._pauses.start_probe(host)
            self._start(claims)
        else:
            self._pauses.nothing_to_probe(host)
        return len(claims)

    def _start(self, claims: list[Claim]) -> None:
        for claim in claims:
            # While storage is on probation this is the one row that may ask it.
            self._pauses.start_probe(STORAGE_UPSTREAM)
            self._slots.start(claim)
        if self._left is not None:
            self._left -= len(claims)
