"""The claim loop: write what has come, claim for free slots, wait."""

import math
import time
from dataclasses import dataclass

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.next_due import NextDue
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.worker.filled import FOLLOW_UP_SECONDS, Filled
from storyboard_worker.worker.head_start import HeadStart
from storyboard_worker.worker.idling import Idling
from storyboard_worker.worker.listener import Listener
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.shift import Shift
from storyboard_worker.worker.wakes import Wake, Wakes
from storyboard_worker.worker.watchdog import Watchdog

# However long it idles, the watchdog hears of it well before it loses patience.
PROGRESS_SECONDS = 30.0
NEVER = math.inf
FINISHED = frozenset({Outcome.READY, Outcome.FAILED})
NOTHING = Filled(started=0, look_again=False, held_back=False, left_free=0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the loop asks before it claims or waits."""

    queue: StoryboardQueue
    next_due: NextDue
    breakers: Breakers
    restraint: Restraint
    listener: Listener
    outage: Outage
    watchdog: Watchdog
    head_start: HeadStart


class ClaimLoop:
    """Turns of the worker's main thread."""

    def __init__(
        self, shift: Shift, surroundings: Surroundings, wakes: Wakes, idling: Idling
    ) -> None:
        self._shift = shift
        self._slots = shift.slots
        self._dispatcher = shift.dispatcher
        self._queue = surroundings.queue
        self._next_due = surroundings.next_due
        self._breakers = surroundings.breakers
        self._restraint = surroundings.restraint
        self._listener = surroundings.listener
        self._outage = surroundings.outage
        self._watchdog = surroundings.watchdog
        self._wakes = wakes
        self._idling = idling
        self._head_start = surroundings.head_start
        self._row_arrived = False
        self._waited_in_vain = False
        self._claims_next = True
        self._waits_until: float = NEVER
        self._wake_at_free: float = NEVER

    def turn(self) -> None:
        """Write what has come, claim if there may be something, then wait until one of both is
        worth doing again."""
        self._head_start.begin(row_arrived=self._row_arrived)
        self._watchdog.progress()
        ended = self._shift.settle()
        self._watchdog.progress()
        # A row that waits for another attempt, or a pause, has an end to be known.
        self._claims_next |= any(one.outcome not in FINISHED for one in ended)
        if self._claims_next:
            self._claim()
        self._wait()

    def _claim(self) -> None:
        """Claim, and find out how long to wait before the next claim."""
        try:
            filled = self._fill() if self._may_claim() else NOTHING
        except Exception as error:  # noqa: BLE001  logged and reported by the outage
            self._wait_for(self._outage.wait_seconds(error))
            return
        if filled.started:
            self._idling.found_work()
        seconds = self._idling.wait_seconds(
            listening=self._listener.listening, known=self._known_seconds(filled)
        )
        rows_are_left = filled.look_again or filled.held_back
        free = filled.left_free + filled.withheld
        self._wait_for(seconds, wake_at_free=free + 1 if rows_are_left else NEVER)

    def _wait_for(self, seconds: float, *, wake_at_free: float = NEVER) -> None:
        """The next claim comes after so long; or sooner, when so many slots are free."""
        self._waits_until = time.monotonic() + seconds
        self._wake_at_free = wake_at_free

    def _may_claim(self) -> bool:
        """After an idle wait a cheap query decides whether to claim. It also notices a database
        that is back while every slot waits for it."""
        if self._head_start.is_under_way:
            return True
        self._queue.give_back_lost()
        self._watchdog.progress()
        # A pause has an end that only a claim can find.
        if not self._waited_in_vain or self._breakers.seconds_until_change() is not None:
            return True
        due = self._next_due.anything_due()
        if not due:
            # Where rows are due, the outage ends only with a successful claim.
            self._outage.over()
        return due

    def _fill(self) -> Filled:
        filled = self._dispatcher.fill(listening=self._listener.listening)
        self._head_start.end()
        self._watchdog.progress()
        if not filled.look_again and not filled.unseen:
            self._next_due.refresh()
        if filled.started or not filled.look_again:
            self._outage.over()
        return filled

    def _known_seconds(self, filled: Filled) -> list[float | None]:
        """How long until each thing that is known to come and may bring work."""
        known = [
            self._queue.seconds_until_look_for_lost,
            self._queue.seconds_until_refused_again,
            self._restraint.seconds_until_change,
        ]
        if filled.unseen:
            known.append(FOLLOW_UP_SECONDS)
        if filled.left_free:
            # Without a free slot no upstream can be asked, whether it may be or not.
            known.append(self._breakers.seconds_until_change())
        if not filled.look_again:
            known.append(self._next_due.seconds_until_due)
        if not filled.look_again and filled is not NOTHING:
            known.append(self._queue.seconds_until_full_pass)
        return known

    def _wait(self) -> None:
        """Until an outcome is to be written, or something happens that may make a claim succeed."""
        self._waited_in_vain = self._row_arrived = False
        self._claims_next = True
        self._head_start.prepare()
        while (remaining := self._waits_until - time.monotonic()) > 0:
            if self._slots.free >= self._wake_at_free:
                return
            again = self._shift.seconds_until_settling
            if again is not None and again <= 0:
                self._claims_next = False
                return
            woken = self._wakes.within(min(remaining, again or remaining, PROGRESS_SECONDS))
            self._watchdog.progress()
            if Wake.ROW_ARRIVED in woken:
                self._row_arrived = True
                self._breakers.row_arrived()
            if woken:
                self._claims_next = woken != {Wake.WORKED}
                return
        self._waited_in_vain = True
