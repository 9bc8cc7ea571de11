"""From the table to the slots: claim what is due for as many slots as are free."""

import time
from collections.abc import Callable, Collection

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import STORAGE_UPSTREAM
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim, Group
from storyboard_worker.worker.filled import Filled
from storyboard_worker.worker.slots import Slots

# Under load, with every slot taken by new rows, how often others are looked for.
SUSPECTS_EVERY_SECONDS = 1.0
# Rows are claimed ahead while an attempt takes less than so many exchanges with the database. A
# slot that waits for one would lose the rest of its time.
EXCHANGES_OF_AN_ATTEMPT = 5.0
LONGEST_QUICK_SECONDS = 0.15


class Dispatcher:
    """``limit``: how many attempts may be started in all; ``None`` for no limit."""

    def __init__(
        self,
        queue: StoryboardQueue,
        slots: Slots,
        breakers: Breakers,
        restraint: Restraint,
        *,
        limit: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._breakers = breakers
        self._restraint = restraint
        self._left = limit
        self._clock = clock
        self._rows_are_left = False
        # Whether rows that have been tried before wait for a slot, as far as is known.
        self._suspects_wait = False
        self._suspects_seen_at = float("-inf")
        # One of those that are tried one at a time was taken, so that others may wait for its end.
        self._lost_may_wait = False
        # Shut upstreams without a new row at the last look: one found later has just arrived.
        self._without_new: set[str] = set()
        self._closed = False
        # By the fill under way, which one thread does.
        self._started = 0
        self._unseen = False
        # Of the last exchange that brought rows along with ends.
        self._asked_at = 0.0
        self._exchange_seconds = 0.0
        # Since when claims have found new rows, and left it at that.
        self._unseen_since: float | None = None

    def close(self) -> None:
        """Start no more."""
        self._closed = True

    @property
    def exhausted(self) -> bool:
        """No more may be started."""
        return self._left is not None and self._left <= 0

    def fill(self, *, listening: bool = True) -> Filled:
        """Start attempts in the free slots. Unless ``listening``, no word comes of new rows."""
        if not listening:
            for upstream in self._without_new:
                self._breakers.row_arrived(upstream)
        # A probe may end, and open its upstream for all, before this comes to its end.
        held_back = not self._breakers.all_closed
        withheld = self._restraint.withheld
        taken = self._slots.take(most=self._left, withheld=withheld)
        self._started = 0
        self._unseen = False
        try:
            started = self._fill(taken)
        finally:
            # Of several claims one may have failed after others had started rows.
            self._slots.leave(taken - self._started)
        held_back = held_back or not self._breakers.all_closed
        if not held_back:
            self._without_new.clear()
        self._rows_are_left = started == taken and not held_back
        return Filled(
            started,
            look_again=started == taken,
            held_back=held_back or self._lost_may_wait,
            left_free=taken - started,
            withheld=withheld,
            unseen=self._unseen,
        )

    def take(self, ends: int) -> int:
        """How many rows to claim along with so many ends of claims.

        As many as slots will be free then, and some ahead, while new rows are known to wait and no
        upstream is in trouble: whatever is more difficult is left to :meth:`fill`.
        """
        easy = (
            self._rows_are_left
            and self._left is None
            and not self._suspects_wait
            and not self._may_take_lost
            and not self._closed
            and not self._is_time_for_suspects
            and self._breakers.all_closed
            and not self._restraint.holds_back
        )
        if not easy:
            return 0
        self._asked_at = self._clock()
        return self._slots.take(ahead=ends + self._ahead(ends))

    def _ahead(self, ends: int) -> int:
        """So many attempts have ended since the last exchange with the database, so as many may
        end before the next, and their slots would wait for it. Where attempts take far longer,
        rows are better left to other workers."""
        longest = min(self._exchange_seconds * EXCHANGES_OF_AN_ATTEMPT, LONGEST_QUICK_SECONDS)
        if self._slots.work_seconds >= longest:
            return 0
        # More may have ended: those that were ahead of their slots as well.
        return min(ends, self._slots.count)

    @property
    def starts_freely(self) -> bool:
        """Whether rows that are claimed ahead may begin: nothing has come in between."""
        return not self._closed and self._breakers.all_closed and not self._restraint.holds_back

    def start(self, claims: list[Claim], taken: int) -> None:
        """Start what was claimed along with ends of claims; called after each :meth:`take` of more
        than none."""
        self._exchange_seconds = self._clock() - self._asked_at
        for claim in claims:
            self._slots.start(claim, ahead=True)
        self._slots.leave(taken - len(claims))
        self._rows_are_left = len(claims) == taken

    @property
    def _is_time_for_suspects(self) -> bool:
        return self._clock() - self._suspects_seen_at > SUSPECTS_EVERY_SECONDS

    @property
    def _may_take_lost(self) -> bool:
        """One of those that are tried one at a time has ended, and others may wait."""
        return self._lost_may_wait and not self._slots.holds_lost

    def _fill(self, free: int) -> int:
        shut = self._breakers.shut_sources()
        if self._breakers.storage_is_shut:
            return self._probe_storage(free, shut)
        started = 0
        for upstream in shut:
            wanted = min(free - started, self._breakers.probes_wanted(upstream))
            started += self._probe(wanted, upstream)
        return started + self._claim_freely(free - started, shut)

    def _probe_storage(self, free: int, shut: set[str]) -> int:
        """By rows of sources that are well; where there are none, by probes of the others, which
        else would wait for storage as storage waits for them."""
        wanted = min(free, self._breakers.probes_wanted(STORAGE_UPSTREAM))
        started = self._probe(wanted, None, without_upstreams=shut)
        if started or not self._breakers.is_half_open(STORAGE_UPSTREAM):
            return started
        for upstream in shut:
            places = min(wanted - started, self._breakers.probes_wanted(upstream))
            started += self._probe(places, upstream)
        return started

    def _probe(
        self, wanted: int, upstream: str | None, *, without_upstreams: Collection[str] = ()
    ) -> int:
        if not wanted:
            return 0
        asked = upstream or STORAGE_UPSTREAM
        # Within a pause only a row that has just arrived may ask.
        only_new = not self._breakers.is_half_open(asked)
        claims = self._queue.claim_probes(
            wanted,
            upstream=upstream,
            without_upstreams=without_upstreams,
            only_new=only_new,
            one_lost=not self._slots.holds_lost,
        )
        if any(not claim.is_suspect for claim in claims):
            self._without_new.discard(asked)
        else:
            self._without_new.add(asked)
        if not claims:
            self._breakers.no_row_found(asked)
        return self._start(claims)

    def _claim_freely(self, free: int, shut: set[str]) -> int:
        """New rows first, but suspects have their share where some may wait; without new rows
        they have what is left."""
        share = min(free, self._slots.free_for_suspects)
        suspects_may_wait = self._suspects_wait or self._may_take_lost or self._is_time_for_suspects
        reserved = share if suspects_may_wait else 0
        started = self._claim(free - reserved, Group.NEW, shut)
        new_rows_wait = started == free - reserved
        if started and not new_rows_wait and self._put_off_suspects():
            return started
        suspects = self._claim_suspects(reserved if new_rows_wait else free - started, shut)
        started += suspects
        if new_rows_wait:
            started += self._claim(free - started, Group.NEW, shut)
        return started

    def _put_off_suspects(self) -> bool:
        """Whether they can wait a moment; rows that arrive one after the other must not put them
        off for ever."""
        if self._suspects_wait or self._may_take_lost:
            return False
        now = self._clock()
        self._unseen_since = self._unseen_since or now
        self._unseen = now - self._unseen_since < SUSPECTS_EVERY_SECONDS
        return self._unseen

    def _claim_suspects(self, wanted: int, shut: set[str]) -> int:
        self._unseen_since = None
        if not wanted:
            return 0
        started = 0
        self._lost_may_wait = self._slots.holds_lost
        if not self._lost_may_wait:
            # Apart from each other: one of them may be what kills its worker.
            started += self._claim(1, Group.LOST, shut)
            self._lost_may_wait = started > 0
        started += self._claim(wanted - started, Group.TRIED, shut)
        self._suspects_wait = started == wanted
        self._suspects_seen_at = self._clock()
        return started

    def _claim(self, wanted: int, group: Group, shut: set[str]) -> int:
        if not wanted:
            return 0
        return self._start(self._queue.claim(wanted, without_upstreams=shut, group=group))

    def _start(self, claims: list[Claim]) -> int:
        for claim in claims:
            self._breakers.started(claim)
            self._started += 1
            self._slots.start(claim)
        if self._left is not None:
            self._left -= len(claims)
        return len(claims)
