"""From the table to the slots: claim what is due for as many slots as are free."""

from storyboard_worker.errors import STORAGE_UPSTREAM
from storyboard_worker.models import Claim
from storyboard_worker.pauses import Pauses
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.slots import Slots


class Dispatcher:
    """``limit``: how many attempts may be started in all; ``None`` for no limit."""

    def __init__(
        self, queue: StoryboardQueue, slots: Slots, pauses: Pauses, *, limit: int | None = None
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._pauses = pauses
        self._left = limit

    @property
    def exhausted(self) -> bool:
        """No more may be started."""
        return self._left is not None and self._left <= 0

    def fill(self) -> bool:
        """Start attempts in the free slots.

        Returns whether it is worth to look again as soon as an attempt ends: all slots are
        taken, or storage is on probation, so rows may be due that were not taken.
        """
        free = self._wanted()
        wanted = self._pauses.storage_allows(free)
        for host in self._pauses.hosts_to_probe()[:wanted]:
            wanted -= self._probe(host)
        if wanted <= 0:
            return True
        claims = self._queue.claim(wanted, without_hosts=self._pauses.hosts_to_avoid())
        self._start(claims)
        return len(claims) == wanted or wanted < free

    def _wanted(self) -> int:
        free = self._slots.free
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
