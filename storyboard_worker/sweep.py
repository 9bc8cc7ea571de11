"""One cron pass: rescue, expire, raise alarms, then process what is due.

Safe beside workers and beside another sweep: every step skips rows that somebody else holds.
It ends by itself: a cron run that hangs would keep all later ones from starting.
"""

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from storyboard_worker.attempt import Attempts, Ended, Outcome
from storyboard_worker.dispatch import Dispatcher
from storyboard_worker.housekeeping import Housekeeping
from storyboard_worker.keeper import Keeper, renew_leases
from storyboard_worker.logs import event
from storyboard_worker.pauses import Pauses
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting import Reporter
from storyboard_worker.settings import Settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.slots import Slots

BEATS_PER_LEASE = 3
# What attempts under way get, at the end of the time, to come to theirs.
LAST_ATTEMPTS_SECONDS = 10.0

OnEnded = Callable[[Ended], None]


@dataclass(slots=True)
class Tally:
    """What a sweep did. ``lost``: failed because their worker died in the last attempt;
    ``complete``: nothing that was due is left over."""

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


class Sweep:
    def __init__(
        self,
        *,
        settings: Settings,
        queue_: StoryboardQueue,
        counts: StoryboardCounts,
        register: WorkerRegister,
        housekeeping: Housekeeping,
        reporter: Reporter,
        shutdown: Shutdown,
    ) -> None:
        self._settings = settings
        self._queue = queue_
        self._counts = counts
        self._register = register
        self._housekeeping = housekeeping
        self._reporter = reporter
        self._shutdown = shutdown

    def tidy(self) -> Tally:
        """Rescue, expire, raise alarms; process nothing."""
        rescued = self._housekeeping.rescue()
        expired = self._housekeeping.expire()
        self._register.forget_dead()
        return Tally(
            rescued=rescued.rescued, lost=rescued.lost, expired=expired, alarms=self._alarms()
        )

    def _alarms(self) -> list[str]:
        waited = self._counts.read().oldest_waiting_seconds
        if waited <= self._settings.health_max_wait_seconds or self._register.alive():
            return []
        message = f"Storyboards have waited for {waited:.0f} s and no worker is alive"
        event(logging.ERROR, message)
        self._reporter.alarm("no_worker", message, oldest_waiting_seconds=round(waited))
        return [message]

    def process(
        self,
        tally: Tally,
        attempts: Attempts,
        pauses: Pauses,
        *,
        max_seconds: float,
        limit: int | None = None,
        on_ended: OnEnded | None = None,
    ) -> None:
        """Make attempts until nothing is due, the limit is reached or the time is up.

        The time is a hard end: attempts still under way then are given back.
        """
        ends_at = time.monotonic() + max_seconds
        wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._shutdown.on_request(lambda: wakes.put(None))
        slots = Slots(
            attempts,
            count=self._settings.worker_concurrency,
            attempt_timeout_seconds=min(self._settings.attempt_timeout_seconds, max_seconds),
            on_free=lambda: wakes.put(None),
            on_ended=on_ended,
        )
        dispatcher = Dispatcher(self._queue, slots, pauses, limit=limit)
        keeper = Keeper(
            [lambda: renew_leases(self._queue, slots)],
            interval_seconds=self._settings.lease_seconds / BEATS_PER_LEASE,
        )
        keeper.start()
        last = min(LAST_ATTEMPTS_SECONDS, max_seconds / 4)
        try:
            tally.complete = self._drain(dispatcher, slots, wakes, ends_at - last)
        finally:
            self._finish(slots, tally, ends_at)
            keeper.stop()
        _add(tally, slots)

    def _drain(
        self,
        dispatcher: Dispatcher,
        slots: Slots,
        wakes: queue.SimpleQueue[None],
        ends_at: float,
    ) -> bool:
        """Claim and start until nothing is due; false when stopped before."""
        while not dispatcher.exhausted:
            if self._shutdown.requested or time.monotonic() >= ends_at:
                return False
            filled = dispatcher.fill()
            if not slots.under_way:
                # Rows that are left over all wait for an upstream that is paused.
                return not filled.look_again
            _wait(wakes, ends_at - time.monotonic())
        return False

    def _finish(self, slots: Slots, tally: Tally, ends_at: float) -> None:
        grace = self._settings.shutdown_grace_seconds if self._shutdown.requested else float("inf")
        slots.wait_idle(min(grace, ends_at - time.monotonic()))
        unfinished = slots.under_way
        if unfinished:
            tally.complete = False
            slots.cancel(unfinished)
            self._queue.give_back(unfinished)


def _wait(wakes: queue.SimpleQueue[None], seconds: float) -> None:
    """Until a slot is free or a stop is asked for, at most so long."""
    if seconds <= 0:
        return
    try:
        wakes.get(timeout=seconds)
    except queue.Empty:
        return
    while not wakes.empty():
        wakes.get()


def _add(tally: Tally, slots: Slots) -> None:
    counted = slots.tally
    tally.ready += counted[Outcome.READY]
    tally.retried += counted[Outcome.RETRIED]
    tally.failed += counted[Outcome.FAILED]
    tally.released += counted[Outcome.RELEASED]
    tally.processed += sum(counted.values()) - counted[Outcome.CANCELLED]
