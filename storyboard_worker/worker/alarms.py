"""Alarms: the installation as a whole is in trouble, and a person has to hear of it.

Raised by sweeps, because a dead worker cannot raise the alarm of its own death. A lack
of its own is told by the worker that meets it.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from storyboard_worker.errors import (
    DatabaseUnavailable,
    DataRefused,
    Resource,
    ResourceExhausted,
    SchemaOutdated,
)
from storyboard_worker.logs import event
from storyboard_worker.queries.alarms import AlarmRegister, Signs
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.cdn_check import CdnCheck, Look

RAISED_EVERY_SECONDS = 3600.0
# Less than lies between two sweeps, and more than between two that are started by hand.
PERSISTS_SECONDS = 60.0

NO_WORKER = "no_worker"
STALLED = "stalled"
EXPIRING = "expiring"
UPSTREAM = "upstream:"
CDN = "cdn"
RESOURCES = "resources"

FIXES = {
    Resource.DESCRIPTORS: "storyboard-worker doctor; raise the limit of open files (ulimit -n), or "
    "lower WORKER_CONCURRENCY",
    Resource.MEMORY: "give the service more memory, or lower WORKER_CONCURRENCY",
    Resource.THREADS: "raise the limit of processes (ulimit -u, the container's pids), or lower "
    "WORKER_CONCURRENCY",
    Resource.SPOOL: "storyboard-worker doctor; make room in the folder, or set TMPDIR to another",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """``name`` is what an outage is recognised by; ``next_step`` the command to type."""

    name: str
    message: str
    next_step: str
    facts: dict[str, object] = field(default_factory=dict)


class Alarms:
    """``max_wait_seconds``: how long a row may have been due. Without ``cdn_check`` the CDN is not
    asked."""

    def __init__(
        self,
        register: AlarmRegister,
        workers: WorkerRegister,
        reporter: Reporter,
        *,
        max_wait_seconds: float,
        cdn_check: CdnCheck | None = None,
    ) -> None:
        self._register = register
        self._workers = workers
        self._reporter = reporter
        self._max_wait_seconds = max_wait_seconds
        self._cdn_check = cdn_check
        self._lock = threading.Lock()
        self._lack_told_at = float("-inf")
        self._lacks: list[str] = []

    def watch(self) -> list[str]:
        """Look, and raise what has to be raised; the messages of what was."""
        signs = self._register.look()
        workers = self._workers.alive()
        found = [
            *self._waiting(signs, workers),
            *_expiring_alarms(signs),
        ]
        if workers:
            self._register.clear(NO_WORKER)
            paused = {upstream for worker in workers for upstream in worker["paused"]}
            found += self._refusing(paused)
        return self._raise(found)

    def met(self, paused: Collection[str]) -> list[str]:
        """The same for upstreams that a sweep had to leave alone, where no worker tells of it."""
        return [] if self._workers.alive() else self._raise(self._refusing(paused))

    def watch_cdn(self, ends_at: float, *, is_stopping: Callable[[], bool]) -> list[str]:
        """The same for pictures that the CDN does not serve. It asks for a few seconds at most, and
        not beyond ``ends_at`` on the monotonic clock, nor once ``is_stopping``."""
        if self._cdn_check is None:
            return []
        look = self._cdn_check.look(ends_at, is_stopping)
        if look.is_good and self._register.clear_one(CDN):
            message = "The CDN serves new pictures again"
            event(logging.INFO, message, alarm=CDN)
            self._reporter.alarm_over(CDN, message)
        return self._raise([_cdn_alarm(look)] if look.is_bad else [])

    def lacking(self, error: ResourceExhausted) -> None:
        """A worker lacks something of its own: once an hour, even without the database, to which it
        may have no connection for the same reason."""
        with self._lock:
            now = time.monotonic()
            if now - self._lack_told_at < RAISED_EVERY_SECONDS:
                return
            self._lack_told_at = now
        message = f"{error.message[0].upper()}{error.message[1:]}: rows wait, none fails for it"
        alarm = Alarm(RESOURCES, message, FIXES[error.resource], {"lacks": str(error.resource)})
        try:
            is_news = self._is_news(alarm)
        except (DatabaseUnavailable, SchemaOutdated, DataRefused):
            is_news = True
        self._lacks += self._told([alarm], lambda _: is_news)

    def take_lacks(self) -> list[str]:
        """The messages of such alarms, each once."""
        lacks, self._lacks = self._lacks, []
        return lacks

    def _waiting(self, signs: Signs, workers: list[dict[str, Any]]) -> Iterator[Alarm]:
        waited = signs.oldest_waiting_seconds
        facts: dict[str, object] = {"oldest_waiting_seconds": round(waited)}
        if not workers and waited > 0:
            # Sweeps that keep up let no row wait for long: then it counts for how long they have
            # found rows and no worker to take them.
            missing = self._register.seen_for_seconds(NO_WORKER)
            if waited > self._max_wait_seconds or missing > self._max_wait_seconds / 2:
                yield _no_worker(waited, missing, facts)
        elif waited > self._max_wait_seconds and _is_stalled(
            signs, workers, self._max_wait_seconds
        ):
            yield _stalled(waited, workers, facts)

    def _refusing(self, paused: Collection[str]) -> list[Alarm]:
        """Of the upstreams that are paused, those that were so a sweep ago. The start of a pause is
        told elsewhere; this tells of one that lasts."""
        names = {f"{UPSTREAM}{upstream}": upstream for upstream in sorted(paused)}
        self._register.clear(UPSTREAM, but=names)
        return [
            Alarm(
                name,
                f"{upstream} refuses all rows, as it did {lasted:.0f} s ago",
                "storyboard-worker doctor; storyboard-worker status",
                {"upstream": upstream},
            )
            for name, upstream in names.items()
            if (lasted := self._register.seen_for_seconds(name)) >= PERSISTS_SECONDS
        ]

    def _is_news(self, alarm: Alarm) -> bool:
        return self._register.raise_once(alarm.name, every_seconds=RAISED_EVERY_SECONDS)

    def _raise(self, found: list[Alarm]) -> list[str]:
        return self._told(found, self._is_news)

    def _told(self, found: list[Alarm], is_news: Callable[[Alarm], bool]) -> list[str]:
        raised = []
        for alarm in found:
            if is_news(alarm):
                event(logging.ERROR, alarm.message, alarm=alarm.name)
                self._reporter.alarm(
                    alarm.name, alarm.message, next_step=alarm.next_step, **alarm.facts
                )
                raised.append(alarm.message)
            else:
                event(logging.WARNING, f"still: {alarm.message}", alarm=alarm.name)
        return raised


def _no_worker(waited: float, missing: float, facts: dict[str, object]) -> Alarm:
    waiting = f"Storyboards have waited for {waited:.0f} s and no worker is alive"
    since = f", as {missing:.0f} s ago" if missing >= 1 else ""
    return Alarm(
        NO_WORKER,
        waiting + since,
        "look at the worker's deployment and its log; storyboard-worker status",
        facts,
    )


def _stalled(waited: float, workers: list[dict[str, Any]], facts: dict[str, object]) -> Alarm:
    return Alarm(
        STALLED,
        f"Storyboards have waited for {waited:.0f} s while {len(workers)} worker(s) beat but "
        "take nothing",
        "storyboard-worker doctor (is a row locked?); if it finds nothing, restart the worker",
        {**facts, "workers": ", ".join(worker["worker_id"] for worker in workers)},
    )


def _is_stalled(signs: Signs, workers: list[dict[str, Any]], max_wait_seconds: float) -> bool:
    """Nothing was taken for so long, though a worker was there all the time, which no upstream
    kept from it."""
    if not workers:
        return False
    idle = signs.seconds_since_activity
    since = min(worker["started_at"] for worker in workers)
    return (
        (idle is None or idle > max_wait_seconds)
        and (signs.moment - since).total_seconds() > max_wait_seconds
        and not any(worker["paused"] for worker in workers)
    )


def _expiring_alarms(signs: Signs) -> Iterator[Alarm]:
    if signs.expiring and signs.first_expiry_seconds is not None:
        yield Alarm(
            EXPIRING,
            f"The links of {signs.expiring} waiting storyboard(s) die within two hours, the first "
            f"in {signs.first_expiry_seconds / 60:.0f} min",
            "storyboard-worker sweep --max-seconds 3600; storyboard-worker status",
            {"expiring": signs.expiring, "first_expiry_seconds": round(signs.first_expiry_seconds)},
        )


def _cdn_alarm(look: Look) -> Alarm:
    assert look.example is not None
    picture, seen = look.example
    return Alarm(
        CDN,
        f"The CDN does not serve {look.refused + look.unanswered} of {look.asked} new picture(s) "
        f"({seen.reason})",
        f"storyboard-worker show {picture.storyboard_id}; open its cdn_url; look at the account in "
        "the Cloudinary console",
        {"storyboard_id": picture.storyboard_id, "asked": look.asked, "served": look.served},
    )
