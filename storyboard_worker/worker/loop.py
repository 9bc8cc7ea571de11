"""The worker's main thread: claim for free slots, wait, stop gracefully."""

import logging
import math
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from storyboard_worker import __version__
from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.runner import Attempts, Ended, Outcome
from storyboard_worker.database import Database
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.logs import event
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.connection_kind import ConnectionKind
from storyboard_worker.queries.next_due import NextDue
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.reporting.sdk import release_of
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.reading import Settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.storyboard import Claim
from storyboard_worker.worker.check_in import CHECK_IN_SECONDS, check_in, silent_after_seconds
from storyboard_worker.worker.dispatch import FOLLOW_UP_SECONDS, Dispatcher, Filled
from storyboard_worker.worker.grace import Grace
from storyboard_worker.worker.heartbeat import Heartbeat
from storyboard_worker.worker.housekeeping import Housekeeping
from storyboard_worker.worker.idling import Idling
from storyboard_worker.worker.keeper import RENEWALS_PER_LEASE, Keeper, renew_leases
from storyboard_worker.worker.keeper_watcher import KeeperWatcher
from storyboard_worker.worker.listener import Listener
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.slots import Slots
from storyboard_worker.worker.vitals import Vitals
from storyboard_worker.worker.watchdog import Watchdog

# What giving rows back may take at the end of the grace.
GIVE_BACK_SECONDS = 2.0
# However long a lease is, a beat and a proof that notifications arrive come once a minute.
BEAT_SECONDS = 60.0
# At the end one connection may be silent, and the next is well.
TRIES_TO_GIVE_BACK = 2
LEAST_EXCHANGE_SECONDS = 0.5
# However long it idles, the watchdog hears of it well before it loses patience.
PROGRESS_SECONDS = 30.0
# With small images a slot is free every millisecond: claiming four at a time instead of one
# leaves a third more of the processor to the images.
GATHERED_SHARE = 4
GATHER_SECONDS = 0.005
NEVER = math.inf
FINISHED = frozenset({Outcome.READY, Outcome.FAILED})
NOTHING = Filled(started=0, look_again=False, held_back=False, left_free=0)


class Startable(Protocol):
    def start(self) -> None: ...


class Wake(Enum):
    """Why the loop is woken."""

    SLOT_FREE = auto()
    NEWS = auto()
    ROW_ARRIVED = auto()
    STOP = auto()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is put together from; ``on_ended`` hears, in a slot's thread, of each attempt
    that is over."""

    worker_id: str
    database: Database
    queue: StoryboardQueue
    next_due: NextDue
    register: WorkerRegister
    housekeeping: Housekeeping
    attempts: Attempts
    breakers: Breakers
    restraint: Restraint
    reporter: Reporter
    vitals: Vitals
    on_ended: Callable[[Ended], None] | None = None


class Worker:
    """One worker process; :meth:`run` returns when it was stopped gracefully."""

    def __init__(self, parts: Parts, settings: Settings, shutdown: Shutdown) -> None:
        self._worker_id = parts.worker_id
        self._settings = settings
        self._queue = parts.queue
        self._next_due = parts.next_due
        self._database = parts.database
        self._breakers = parts.breakers
        self._restraint = parts.restraint
        self._on_ended = parts.on_ended
        self._shutdown = shutdown
        self._reporter = parts.reporter
        # Not an Event: signal handlers and slots put into it, and only this is made for both.
        self._wakes: queue.SimpleQueue[Wake] = queue.SimpleQueue()
        self._slots = Slots(
            parts.attempts,
            count=settings.worker_concurrency,
            attempt_timeout_seconds=settings.attempt_timeout_seconds,
            on_free=self._slot_is_free,
            on_ended=self._ended,
        )
        self._dispatcher = Dispatcher(parts.queue, self._slots, parts.breakers, parts.restraint)
        parts.queue.refill_along(self._dispatcher)
        self._idling = Idling(settings.poll_interval_seconds)
        self._listener = Listener(
            parts.database,
            parts.register,
            wake=lambda: self._wakes.put(Wake.ROW_ARRIVED),
            on_found=self._tell_found,
        )
        self._watchdog = Watchdog(
            parts.reporter, patience_seconds=2 * settings.database_timeout_seconds
        )
        self._grace = Grace(settings.shutdown_grace_seconds)
        self._heartbeat = Heartbeat(
            parts.worker_id,
            parts.register,
            parts.housekeeping,
            self._slots,
            parts.breakers,
            self._listener.proofs,
            concurrency=settings.worker_concurrency,
        )
        self._outage = Outage(parts.reporter, parts.restraint.met)
        keeper_seconds = min(settings.lease_seconds / RENEWALS_PER_LEASE, BEAT_SECONDS)
        self._keeper = Keeper(
            [
                lambda: renew_leases(parts.queue, self._slots),
                parts.queue.give_back_lost,
                parts.attempts.tell_news,
                self._heartbeat.beat_and_tidy,
            ],
            interval_seconds=keeper_seconds,
            watcher=KeeperWatcher(self._outage, self._watchdog, keeper_seconds),
        )
        self._watchdog.watch("attempts", moves=lambda: self._slots.none_is_overdue)
        most_silent_seconds = silent_after_seconds(settings.database_timeout_seconds)
        self._check_ins = Keeper(
            [
                lambda: check_in(self._watchdog, parts.reporter, most_silent_seconds),
                parts.reporter.tell_summaries,
            ],
            interval_seconds=CHECK_IN_SECONDS,
        )
        parts.vitals.fill(
            silent_seconds=lambda: self._watchdog.silent_seconds,
            slots_taken=lambda: len(self._slots.under_way),
            listening=lambda: self._listener.listening,
        )
        self._waited_in_vain = False
        self._wake_at_free: float = NEVER

    def run(self) -> None:
        """Work until a stop is requested, then stop gracefully."""
        self._shutdown.on_request(lambda: self._wakes.put(Wake.STOP))
        self._shutdown.on_request(self._grace.begin)
        event(
            logging.INFO,
            "worker started",
            worker_id=self._worker_id,
            version=__version__,
            concurrency=self._settings.worker_concurrency,
        )
        if not self._start_threads():
            return
        while not self._shutdown.requested:
            self._turn()
        self._stop()
        self._grace.over()

    def _start_threads(self) -> bool:
        """Without threads to be had nothing is claimed; false when a stop is requested before there
        are enough."""
        for thread in (self._watchdog, self._keeper, self._check_ins, self._listener, self._grace):
            while not self._is_started(thread):
                if self._shutdown.requested:
                    return False
                self._wait(self._restraint.seconds_until_change or 0.0)
        return True

    def _is_started(self, thread: Startable) -> bool:
        try:
            thread.start()
        except RuntimeError as error:
            lack = exhaustion_in(error)
            if lack is None:
                raise
            event(logging.WARNING, "waiting for what the worker lacks", reason=lack.message)
            self._restraint.met(lack)
            return False
        return True

    def _tell_found(self, kind: ConnectionKind, listening: bool) -> None:  # noqa: FBT001  a callback's
        """In the listener's thread: one line with what the worker found."""
        poll_seconds = self._settings.poll_interval_seconds
        event(
            logging.INFO,
            "worker ready",
            worker_id=self._worker_id,
            connection=str(kind),
            new_rows="by LISTEN" if listening else f"polled every {poll_seconds:g} s",
            concurrency=self._settings.worker_concurrency,
            release=release_of(self._settings.sentry),
        )

    def _turn(self) -> None:
        """Claim if there may be something, then wait until that is worth doing again."""
        self._watchdog.progress()
        try:
            filled = self._fill() if self._may_claim() else NOTHING
        except Exception as error:  # noqa: BLE001  logged and reported by the outage
            self._wait(self._outage.wait_seconds(error))
            return
        if filled.started:
            self._idling.found_work()
        seconds = self._idling.wait_seconds(
            listening=self._listener.listening, known=self._known_seconds(filled)
        )
        rows_are_left = filled.look_again or filled.held_back
        free = filled.left_free + filled.withheld
        self._wait(seconds, wake_at_free=free + 1 if rows_are_left else NEVER)

    def _may_claim(self) -> bool:
        """After a wait in vain one look tells; and that the database is there, which else would
        pass unseen while all slots are taken by outcomes that wait for it."""
        self._queue.give_back_lost()
        self._watchdog.progress()
        # A pause has an end that only a claim can find.
        if not self._waited_in_vain or self._breakers.seconds_until_change() is not None:
            return True
        due = self._next_due.anything_due()
        if not due:
            # With rows due it has yet to show that it lets us write.
            self._outage.over()
        return due

    def _fill(self) -> Filled:
        filled = self._dispatcher.fill(listening=self._listener.listening)
        self._watchdog.progress()
        if not filled.look_again and not filled.unseen:
            self._next_due.refresh()
        if filled.started or not filled.look_again:
            self._outage.over()
        return filled

    def _known_seconds(self, filled: Filled) -> list[float | None]:
        """Until what may bring work and is known to come; a slot that becomes free brings what
        was left over."""
        known = [self._queue.seconds_until_look_for_lost, self._restraint.seconds_until_change]
        if filled.unseen:
            known.append(FOLLOW_UP_SECONDS)
        if filled.left_free:
            # Without a free slot nobody can ask an upstream that may be asked.
            known.append(self._breakers.seconds_until_change())
        if not filled.look_again:
            known.append(self._next_due.seconds_until_due)
        if not filled.look_again and filled is not NOTHING:
            known.append(self._queue.seconds_until_full_pass)
        return known

    def _wait(self, seconds: float, *, wake_at_free: float = NEVER) -> None:
        """Until something happens that may make a claim succeed, at most so long.

        That ``wake_at_free`` slots are free is such a thing.
        """
        self._waited_in_vain = False
        self._wake_at_free = wake_at_free
        # One may have become free before this was said.
        self._slot_is_free()
        ends_at = time.monotonic() + seconds
        while (remaining := ends_at - time.monotonic()) > 0:
            try:
                woken = {self._wakes.get(timeout=min(remaining, PROGRESS_SECONDS))}
            except queue.Empty:
                self._watchdog.progress()
                continue
            for_slot = wake_at_free is not NEVER
            if for_slot and woken == {Wake.SLOT_FREE}:
                self._let_slots_gather()
            while not self._wakes.empty():
                woken.add(self._wakes.get())
            if Wake.ROW_ARRIVED in woken:
                self._breakers.row_arrived()
            if for_slot or woken != {Wake.SLOT_FREE}:
                return
        self._waited_in_vain = True

    def _slot_is_free(self) -> None:
        """In the slot's thread. Each waking of the loop takes the interpreter from an image,
        so only as many as it asked for wake it."""
        if self._slots.free >= self._wake_at_free:
            self._wakes.put(Wake.SLOT_FREE)

    def _let_slots_gather(self) -> None:
        """Under load, one claim for the several slots that become free at nearly one time."""
        enough = self._settings.worker_concurrency / GATHERED_SHARE
        self._wake_at_free = enough
        ends_at = time.monotonic() + GATHER_SECONDS
        while self._slots.free < enough and (remaining := ends_at - time.monotonic()) > 0:
            try:
                woken = self._wakes.get(timeout=remaining)
            except queue.Empty:
                return
            if woken is not Wake.SLOT_FREE:
                self._wakes.put(woken)
                return

    def _ended(self, ended: Ended) -> None:
        """In the slot's thread. A row that waits, or a pause, has an end to be known."""
        if ended.outcome not in FINISHED:
            self._wakes.put(Wake.NEWS)
        if self._on_ended is not None:
            self._on_ended(ended)

    def _stop(self) -> None:
        """Let attempts end within the grace, give the others back, leave the register."""
        grace_ends_at = time.monotonic() + self._settings.shutdown_grace_seconds
        event(logging.INFO, "stopping", in_flight=len(self._slots.under_way))
        # Sent meanwhile: at the end of the grace there may be no time for it.
        self._reporter.tell_summaries(all_of_them=True)
        self._dispatcher.close()
        # A silent connection must leave time to do without it.
        reserve = min(GIVE_BACK_SECONDS, self._settings.shutdown_grace_seconds / 5)
        self._database.hurry(max(LEAST_EXCHANGE_SECONDS, reserve / TRIES_TO_GIVE_BACK))
        self._watchdog.stop()
        self._listener.stop()
        self._if_database_is_there(self._heartbeat.drain)
        self._slots.wait_idle(grace_ends_at - reserve - time.monotonic())
        unfinished = self._slots.under_way
        self._slots.cancel(unfinished)
        given_back = self._if_database_is_there(lambda: self._give_back(unfinished))
        self._check_ins.stop()
        self._keeper.stop()
        self._if_database_is_there(self._heartbeat.leave)
        event(
            logging.INFO,
            "worker stopped",
            given_back=given_back or 0,
            **{str(outcome): count for outcome, count in self._slots.tally.items()},
        )

    def _give_back(self, unfinished: list[Claim]) -> int:
        try:
            given_back = self._queue.give_back(unfinished)
        except DatabaseUnavailable:
            # One connection may be broken while others are well.
            given_back = self._queue.give_back(unfinished)
        return given_back + self._queue.give_back_lost()

    def _if_database_is_there(self, write: Callable[[], int | None]) -> int | None:
        """At the end there is no time to wait for it: leases lapse, and rows are rescued."""
        try:
            return write()
        except (DatabaseUnavailable, SchemaOutdated) as error:
            event(logging.WARNING, "stopping without the database", reason=error)
            return None
