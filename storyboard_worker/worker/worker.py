"""One worker process, from its start to its graceful stop."""

import logging
import math
import time
from collections.abc import Callable

from storyboard_worker import __version__
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.logs import event
from storyboard_worker.queries.connection_kind import ConnectionKind
from storyboard_worker.reporting.sdk import release_of
from storyboard_worker.settings.reading import Settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.crew import Crew
from storyboard_worker.worker.head_start import HeadStart
from storyboard_worker.worker.idling import Idling
from storyboard_worker.worker.listener import Listener
from storyboard_worker.worker.loop import ClaimLoop, Surroundings
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.parts import Parts
from storyboard_worker.worker.shift import Shift, Team
from storyboard_worker.worker.wakes import Wake, Wakes

# What giving rows back may take at the end of the grace.
GIVE_BACK_SECONDS = 2.0
# At the end one connection may be silent, and the next is well.
TRIES_TO_GIVE_BACK = 2
LEAST_EXCHANGE_SECONDS = 0.5


class Worker:
    """:meth:`run` returns when it was stopped gracefully."""

    def __init__(self, parts: Parts, settings: Settings, shutdown: Shutdown) -> None:
        self._parts = parts
        self._settings = settings
        self._shutdown = shutdown
        listener = Listener(
            parts.database,
            parts.register,
            wake=lambda: self._wakes.put(Wake.ROW_ARRIVED),
            on_found=self._tell_found,
        )
        self._wakes = Wakes(listener.ear)
        self._grace_ends_at = math.inf
        self._shift = Shift(
            Team(parts.queue, parts.attempts, parts.breakers, parts.restraint, parts.on_ended),
            settings,
            wake=lambda: self._wakes.put(Wake.WORKED),
            moves=self._moves,
        )
        outage = Outage(parts.reporter, parts.restraint.met)
        self._crew = Crew(parts, settings, self._shift, listener, outage)
        surroundings = Surroundings(
            parts.queue,
            parts.next_due,
            parts.breakers,
            parts.restraint,
            listener,
            outage,
            self._crew.watchdog,
            HeadStart(parts.queue, self._shift.slots, parts.breakers, parts.restraint),
        )
        idling = Idling(settings.poll_interval_seconds)
        self._loop = ClaimLoop(self._shift, surroundings, self._wakes, idling)
        parts.vitals.fill(
            silent_seconds=lambda: self._crew.watchdog.silent_seconds,
            slots_taken=lambda: self._shift.slots.busy,
            listening=lambda: listener.listening,
        )

    def run(self) -> None:
        """Work until a stop is requested, then stop gracefully."""
        self._shutdown.on_request(self._stop_is_asked_for)
        with self._wakes.rung_by_signals():
            self._work_and_stop()

    def _work_and_stop(self) -> None:
        event(
            logging.INFO,
            "worker started",
            worker_id=self._parts.worker_id,
            version=__version__,
            concurrency=self._settings.worker_concurrency,
        )
        if not self._crew.start(self._parts.restraint, self._goes_on_after):
            return
        while not self._shutdown.requested:
            self._loop.turn()
        self._stop()
        self._crew.grace.over()

    def _stop_is_asked_for(self) -> None:
        """In a signal handler, where no lock may be taken."""
        self._grace_ends_at = time.monotonic() + self._settings.shutdown_grace_seconds
        self._crew.grace.begin()
        # The loop may wait for a silent connection, which must leave time to do without it.
        exchange_seconds = max(LEAST_EXCHANGE_SECONDS, self._reserve_seconds / TRIES_TO_GIVE_BACK)
        self._parts.database.hurry(exchange_seconds)
        self._wakes.put(Wake.STOP)

    def _moves(self) -> None:
        self._crew.watchdog.progress()

    def _goes_on_after(self, seconds: float) -> bool:
        self._wakes.within(max(seconds, 0.0))
        return not self._shutdown.requested

    def _tell_found(self, kind: ConnectionKind, listening: bool) -> None:  # noqa: FBT001  a callback's
        """In the listener's thread: one line with what the worker found."""
        poll_seconds = self._settings.poll_interval_seconds
        event(
            logging.INFO,
            "worker ready",
            worker_id=self._parts.worker_id,
            connection=str(kind),
            new_rows="by LISTEN" if listening else f"polled every {poll_seconds:g} s",
            concurrency=self._settings.worker_concurrency,
            release=release_of(self._settings.sentry),
        )

    def _stop(self) -> None:
        """Let attempts end within the grace, give the others back, leave the register."""
        event(logging.INFO, "stopping", in_flight=len(self._shift.slots.under_way))
        # Sent now: at the end of the grace there may be no time for it.
        self._parts.reporter.tell_summaries(all_of_them=True)
        self._shift.dispatcher.close()
        self._parts.queue.drop_ready_claim()
        self._crew.watchdog.stop()
        self._crew.listener.stop()
        self._if_database_is_there(self._crew.heartbeat.drain)
        settles_until = self._grace_ends_at - self._reserve_seconds
        self._shift.settle_until(lambda: settles_until - time.monotonic())
        given_back = self._if_database_is_there(
            lambda: self._shift.give_back(self._reserve_seconds / 2)
        )
        self._shift.drop(0.0)
        self._crew.check_ins.stop()
        self._crew.keeper.stop()
        self._if_database_is_there(self._crew.heartbeat.leave)
        event(
            logging.INFO,
            "worker stopped",
            given_back=given_back or 0,
            **{str(outcome): count for outcome, count in self._shift.slots.tally.items()},
        )

    @property
    def _reserve_seconds(self) -> float:
        """What is left of the grace for giving rows back."""
        return min(GIVE_BACK_SECONDS, self._settings.shutdown_grace_seconds / 5)

    def _if_database_is_there(self, write: Callable[[], int | None]) -> int | None:
        """At the end there is no time to wait for it: leases lapse, and rows are rescued."""
        try:
            return write()
        except (DatabaseUnavailable, SchemaOutdated) as error:
            event(logging.WARNING, "stopping without the database", reason=error)
            return None
