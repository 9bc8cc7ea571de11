"""One cron pass: rescue, expire, raise alarms, then process what is due.

Safe beside workers and beside another sweep: every step skips rows that somebody else holds.
It ends by itself: a cron run that hangs would keep all later ones from starting.
"""

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended, Outcome
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.database.patience import Patience
from storyboard_worker.errors import DatabaseUnavailable, RowsHidden
from storyboard_worker.logs import event
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.reading import Settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.alarms import Alarms
from storyboard_worker.worker.dispatch import FOLLOW_UP_SECONDS
from storyboard_worker.worker.housekeeping import Housekeeping
from storyboard_worker.worker.keeper import RENEWALS_PER_LEASE, Keeper
from storyboard_worker.worker.shift import Shift, Team
from storyboard_worker.worker.slots import Slots

# What attempts under way get, at the end of the time, to come to theirs.
LAST_ATTEMPTS_SECONDS = 10.0
# What giving rows back may take, before the hard end.
GIVE_BACK_SECONDS = 1.0
# A pause that ends so soon is sat out.
LONGEST_PAUSE_SAT_OUT_SECONDS = 8.0
SHORTEST_WAIT_SECONDS = 0.05
# How soon a signal is noticed while attempts come to their end.
SIGNAL_SECONDS = 0.1

OnEnded = Callable[[Ended], None]
# A slot is free, or somebody asked us to stop: it may be put into from a signal handler.
Wakes = queue.SimpleQueue[None]


@dataclass(slots=True)
class Tally:
    """What a sweep did.

    ``lost``: failed because their worker died in the last attempt. ``processed``: attempts,
    the sum of the four ends that follow; ``released`` counts what was given back as well.
    ``complete``: of what was due nothing is left undone.
    """

    rescued: int = 0
    lost: int = 0
    expired: int = 0
    processed: int = 0
    ready: int = 0
    retried: int = 0
    failed: int = 0
    released: int = 0
    alarms: list[str] = field(default_factory=list)
    seconds: float = 0.0
    complete: bool = True


class CutShort(DatabaseUnavailable):
    """The database went away within a sweep and did not come back; ``tally`` is what was done."""

    def __init__(self, tally: Tally, reason: DatabaseUnavailable) -> None:
        super().__init__(str(reason))
        self.tally = tally


class Sweep:
    """``insist`` makes each step's exchanges with the database, whose absence may be short."""

    def __init__(
        self,
        *,
        insist: Patience,
        settings: Settings,
        queue_: StoryboardQueue,
        counts: StoryboardCounts,
        housekeeping: Housekeeping,
        alarms: Alarms,
        reporter: Reporter,
        shutdown: Shutdown,
    ) -> None:
        self._insist = insist
        self._settings = settings
        self._queue = queue_
        self._counts = counts
        self._housekeeping = housekeeping
        self._alarms = alarms
        self._reporter = reporter
        self._shutdown = shutdown
        self._began = False
        self._tally = Tally(complete=False)

    @property
    def tally(self) -> Tally | None:
        """What has been done so far; ``None`` while nothing has."""
        return self._tally if self._began else None

    def run(
        self,
        attempts: Attempts | None,
        breakers: Breakers,
        *,
        max_seconds: float,
        limit: int | None = None,
        on_ended: OnEnded | None = None,
    ) -> Tally:
        """One pass; without ``attempts`` nothing is processed.

        Attempts are made until nothing is due, ``limit`` of them were started, or the time is
        up, which is a hard end: those still under way then are given back. Raises
        :class:`CutShort` when the database stays away.
        """
        self._tally = tally = Tally(complete=False)
        started = time.monotonic()
        self._insist.end_by(started + max_seconds)
        with (
            self._reporter.sweep_monitored(max_seconds),
            self._shutdown.calling(self._insist.give_up),
        ):
            try:
                self._tidy(tally)
                if attempts is not None:
                    ends_at = started + max_seconds
                    self._process(
                        tally, attempts, breakers, ends_at, limit=limit, on_ended=on_ended
                    )
                    if tally.processed:
                        met = breakers.paused_seconds()
                        tally.alarms += self._insist(lambda: self._alarms.met(met))
                    attempts.tell_news(at_once=True)
                    tally.alarms += self._alarms.take_lacks()
            except RowsHidden:
                raise
            except DatabaseUnavailable as error:
                tally.complete = False
                if not self._began:
                    raise
                raise CutShort(tally, error) from error
            finally:
                tally.seconds = round(time.monotonic() - started, 3)
        return tally

    def _tidy(self, tally: Tally) -> None:
        insist = self._insist
        rescued = insist(self._housekeeping.rescue)
        self._began = True
        tally.rescued, tally.lost = rescued.rescued, rescued.lost
        tally.expired = insist(self._housekeeping.expire)
        insist(self._housekeeping.forget_dead_workers)
        tally.alarms = insist(self._alarms.watch)
        tally.complete = self._nothing_is_due()

    def _nothing_is_due(self) -> bool:
        return self._insist(self._counts.read).oldest_waiting_seconds == 0

    def _process(
        self,
        tally: Tally,
        attempts: Attempts,
        breakers: Breakers,
        ends_at: float,
        *,
        limit: int | None,
        on_ended: OnEnded | None,
    ) -> None:
        wakes = Wakes()
        shift = Shift(
            Team(self._queue, attempts, breakers, attempts.restraint, on_ended),
            self._settings,
            wake=lambda: wakes.put(None),
            limit=limit,
        )
        keeper = Keeper(
            [shift.renew_leases, self._queue.give_back_lost],
            interval_seconds=self._settings.lease_seconds / RENEWALS_PER_LEASE,
        )
        keeper.start()
        given_back = 0
        last_start = ends_at - min(LAST_ATTEMPTS_SECONDS, (ends_at - time.monotonic()) / 4)
        try:
            with self._shutdown.calling(lambda: wakes.put(None)):
                try:
                    pauses = Pauses(breakers, attempts.restraint)
                    drained = self._drain(shift, pauses, wakes, last_start)
                finally:
                    # Also when the database is away: attempts under way insist on their outcome.
                    given_back = self._finish(shift, ends_at)
        finally:
            keeper.stop()
            shift.slots.close()
            _add(tally, shift.slots, given_back)
        done = drained or self._nothing_is_due()
        tally.complete = done and tally.released == 0

    def _drain(self, shift: Shift, pauses: "Pauses", wakes: Wakes, ends_at: float) -> bool:
        """Claim and start until a claim finds nothing; false when stopped before."""
        while not shift.dispatcher.exhausted:
            shift.settle()
            if self._shutdown.requested or time.monotonic() >= ends_at:
                return False
            filled = self._insist(shift.dispatcher.fill)
            seconds = ends_at - time.monotonic()
            if not shift.slots.under_way and not filled.started:
                pause_seconds = pauses.seconds_until_change
                if pause_seconds is None or pause_seconds > LONGEST_PAUSE_SAT_OUT_SECONDS:
                    # Rows of upstreams that are left alone for longer may be due.
                    return not filled.held_back and not filled.withheld
                seconds = min(seconds, max(SHORTEST_WAIT_SECONDS, pause_seconds))
            known = [FOLLOW_UP_SECONDS if filled.unseen else None, shift.seconds_until_settling]
            _wait(wakes, min([seconds, *(wait for wait in known if wait is not None)]))
        return False

    def _finish(self, shift: Shift, ends_at: float) -> int:
        """Let attempts under way come to their end, then give the others back; how many."""
        reserve = min(GIVE_BACK_SECONDS, max(0.0, ends_at - time.monotonic()) / 5)
        shift.settle_until(self._until(ends_at - reserve))
        if not shift.slots.under_way:
            return 0
        # A database that is silent now must not keep the sweep beyond its hard end.
        self._insist.give_up()
        given_back = 0
        try:
            given_back = shift.give_back()
        except DatabaseUnavailable as error:
            # The end is the end; what was not given back comes back by its lease.
            event(logging.WARNING, "ending without the database", reason=error)
        shift.drop(reserve)
        return given_back

    def _until(self, ends_at: float) -> Callable[[], float]:
        """How many seconds are left; a signal brings the end forward."""
        signalled_at: list[float] = []

        def seconds_left() -> float:
            now = time.monotonic()
            if not self._shutdown.requested:
                return min(ends_at - now, SIGNAL_SECONDS)
            signalled_at.append(now)
            return min(ends_at, signalled_at[0] + self._grace_seconds()) - now

        return seconds_left

    def _grace_seconds(self) -> float:
        """What attempts get after a signal: the grace, less what giving rows back may take."""
        grace = self._settings.shutdown_grace_seconds
        return grace - min(GIVE_BACK_SECONDS, grace / 5)


@dataclass(frozen=True, slots=True)
class Pauses:
    """What may keep rows that are due from being started."""

    breakers: Breakers
    restraint: Restraint

    @property
    def seconds_until_change(self) -> float | None:
        # While we lack something no upstream is asked.
        return self.restraint.seconds_until_change or self.breakers.seconds_until_change()


def _wait(wakes: Wakes, seconds: float) -> None:
    """Until a slot is free or a stop is asked for, at most so long."""
    if seconds <= 0:
        return
    try:
        wakes.get(timeout=seconds)
    except queue.Empty:
        return
    while not wakes.empty():
        wakes.get()


def _add(tally: Tally, slots: Slots, given_back: int) -> None:
    counted = slots.tally
    tally.ready += counted[Outcome.READY]
    tally.retried += counted[Outcome.RETRIED]
    tally.failed += counted[Outcome.FAILED]
    tally.released += counted[Outcome.RELEASED] + given_back
    tally.processed += tally.ready + tally.retried + tally.failed + tally.released
