"""The threads beside the claim loop."""

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from storyboard_worker.logs import event
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.reading import Settings
from storyboard_worker.worker.check_in import CHECK_IN_SECONDS, check_in, silent_after_seconds
from storyboard_worker.worker.grace import Grace
from storyboard_worker.worker.heartbeat import Heartbeat
from storyboard_worker.worker.keeper import RENEWALS_PER_LEASE, Keeper
from storyboard_worker.worker.keeper_watcher import KeeperWatcher
from storyboard_worker.worker.listener import Listener
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.parts import Parts
from storyboard_worker.worker.shift import Shift
from storyboard_worker.worker.watchdog import Watchdog

# However long a lease is, a beat and a proof that notifications arrive come once a minute.
BEAT_SECONDS = 60.0


class Startable(Protocol):
    def start(self) -> None: ...


class Crew:
    """Watchdog, keeper, check-ins, listener, and the grace of a stop."""

    def __init__(
        self, parts: Parts, settings: Settings, shift: Shift, listener: Listener, outage: Outage
    ) -> None:
        self.listener = listener
        self.watchdog = Watchdog(
            parts.reporter,
            patience_seconds=2 * settings.database_timeout_seconds,
            vitals=parts.vitals,
        )
        self.watchdog.watch("attempts", moves=lambda: shift.slots.none_is_overdue)
        self.grace = Grace(settings.shutdown_grace_seconds)
        self.heartbeat = Heartbeat(
            parts.worker_id,
            parts.register,
            parts.housekeeping,
            shift.slots,
            parts.breakers,
            listener.proofs,
            concurrency=settings.worker_concurrency,
            predecessor=parts.predecessor,
        )
        keeper_seconds = min(settings.lease_seconds / RENEWALS_PER_LEASE, BEAT_SECONDS)
        self.keeper = Keeper(
            [
                shift.renew_leases,
                parts.queue.give_back_lost,
                parts.attempts.tell_news,
                self.heartbeat.beat_and_tidy,
            ],
            interval_seconds=keeper_seconds,
            watcher=KeeperWatcher(outage, self.watchdog, keeper_seconds),
        )
        most_silent_seconds = silent_after_seconds(settings.database_timeout_seconds)
        self.check_ins = Keeper(
            [
                lambda: check_in(self.watchdog, parts.reporter, most_silent_seconds),
                parts.reporter.tell_summaries,
            ],
            interval_seconds=CHECK_IN_SECONDS,
        )

    def start(self, restraint: Restraint, wait: Callable[[float], bool]) -> bool:
        """Without threads to be had nothing is claimed. ``wait`` waits so many seconds and says
        whether to go on; false when it says no before there are enough."""
        for thread in self._threads():
            while not _is_started(thread, restraint):
                if not wait(restraint.seconds_until_change or 0.0):
                    return False
        return True

    def _threads(self) -> Iterator[Startable]:
        yield from (self.watchdog, self.keeper, self.check_ins, self.listener, self.grace)


def _is_started(thread: Startable, restraint: Restraint) -> bool:
    try:
        thread.start()
    except RuntimeError as error:
        lack = exhaustion_in(error)
        if lack is None:
            raise
        event(logging.WARNING, "waiting for what the worker lacks", reason=lack.message)
        restraint.met(lack)
        return False
    return True
