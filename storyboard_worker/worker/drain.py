"""Work off what is due, until nothing is or the time is up."""

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.database.patience import Patience
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.logs import event
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.reading import Settings
from storyboard_worker.shutdown import Shutdown, take_noticing_signals
from storyboard_worker.worker.filled import FOLLOW_UP_SECONDS
from storyboard_worker.worker.keeper import RENEWALS_PER_LEASE, Keeper
from storyboard_worker.worker.shift import Shift, Team
from storyboard_worker.worker.tally import Tally

# What attempts under way get, at the end of the time, to come to theirs.
LAST_ATTEMPTS_SECONDS = 10.0
# What giving rows back may take, before the hard end.
GIVE_BACK_SECONDS = 1.0
# A pause that ends so soon is sat out.
LONGEST_PAUSE_SAT_OUT_SECONDS = 8.0
SHORTEST_WAIT_SECONDS = 0.05
# How soon a signal is noticed while attempts come to their end.
SIGNAL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Pauses:
    """What may keep rows that are due from being started."""

    breakers: Breakers
    restraint: Restraint

    @property
    def seconds_until_change(self) -> float | None:
        # While we lack something no upstream is asked.
        return self.restraint.seconds_until_change or self.breakers.seconds_until_change()


class Drain:
    """One shift of a sweep. ``insist`` makes the exchanges with the database; ``limit``: how many
    attempts may be started in all."""

    def __init__(
        self,
        team: Team,
        settings: Settings,
        shutdown: Shutdown,
        insist: Patience,
        *,
        limit: int | None = None,
    ) -> None:
        self._settings = settings
        self._shutdown = shutdown
        self._insist = insist
        self._pauses = Pauses(team.breakers, team.restraint)
        # An outcome has come, or a stop is asked for: a signal handler puts into it.
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._shift = Shift(team, settings, wake=self._wake, limit=limit)
        self._keeper = Keeper(
            [self._shift.renew_leases, team.queue.give_back_lost],
            interval_seconds=settings.lease_seconds / RENEWALS_PER_LEASE,
        )

    def run(self, tally: Tally, ends_at: float) -> bool:
        """Whether nothing that was due is left; what was done is added to ``tally``. The end is a
        hard one: what is under way then is given back."""
        self._keeper.start()
        given_back = 0
        last_start = ends_at - min(LAST_ATTEMPTS_SECONDS, (ends_at - time.monotonic()) / 4)
        try:
            with self._shutdown.calling(self._wake):
                try:
                    with self._insist.bounded(ends_at):
                        return self._start_until_nothing_is_due(last_start)
                finally:
                    # Also when the database is away: images under way are stored all the same.
                    given_back = self._finish(ends_at)
        finally:
            self._keeper.stop()
            self._shift.slots.close()
            tally.add(self._shift.slots, given_back)

    def _wake(self) -> None:
        self._wakes.put(None)

    def _start_until_nothing_is_due(self, ends_at: float) -> bool:
        """Claim and start until a claim finds nothing; false when stopped before."""
        shift = self._shift
        while not shift.dispatcher.exhausted:
            shift.settle()
            if self._shutdown.requested or time.monotonic() >= ends_at:
                return False
            filled = self._insist(shift.dispatcher.fill)
            known = [ends_at - time.monotonic()]
            if not shift.slots.under_way and not filled.started:
                pause_seconds = self._pauses.seconds_until_change
                if pause_seconds is None or pause_seconds > LONGEST_PAUSE_SAT_OUT_SECONDS:
                    # Rows of upstreams that are left alone for longer may be due.
                    return not filled.held_back and not filled.withheld
                known.append(max(SHORTEST_WAIT_SECONDS, pause_seconds))
            if filled.unseen:
                known.append(FOLLOW_UP_SECONDS)
            if shift.seconds_until_settling is not None:
                known.append(shift.seconds_until_settling)
            self._wait(min(known))
        return False

    def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            take_noticing_signals(self._wakes, seconds)
        except queue.Empty:
            return
        while not self._wakes.empty():
            self._wakes.get()

    def _finish(self, ends_at: float) -> int:
        """Let attempts under way come to their end, then give the others back; how many."""
        reserve = min(GIVE_BACK_SECONDS, max(0.0, ends_at - time.monotonic()) / 5)
        with self._insist.bounded(ends_at):
            self._shift.settle_until(self._seconds_left(ends_at - reserve))
        if not self._shift.slots.under_way:
            return 0
        # A database that is silent now must not keep the sweep beyond its hard end.
        self._insist.give_up()
        given_back = 0
        try:
            given_back = self._shift.give_back(reserve / 2)
        except DatabaseUnavailable as error:
            # The end is the end; what was not given back comes back by its lease.
            event(logging.WARNING, "ending without the database", reason=error)
        self._shift.drop(reserve)
        return given_back

    def _seconds_left(self, ends_at: float) -> Callable[[], float]:
        """Until ``ends_at``, which a signal brings forward."""
        signalled_at: list[float] = []

        def seconds_left() -> float:
            now = time.monotonic()
            if not self._shutdown.requested:
                return min(ends_at - now, SIGNAL_SECONDS) if ends_at > now else 0.0
            signalled_at.append(now)
            return min(ends_at, signalled_at[0] + self._grace_seconds()) - now

        return seconds_left

    def _grace_seconds(self) -> float:
        """What attempts get after a signal: the grace, less what giving rows back may take."""
        grace = self._settings.shutdown_grace_seconds
        return grace - min(GIVE_BACK_SECONDS, grace / 5)
