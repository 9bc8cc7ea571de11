"""Alarms: the installation as a whole is in trouble, and somebody has to hear of it.

Raised by sweeps, because whoever raises the alarm of a dead worker must not be that worker.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storyboard_worker.errors import ErrorCode
from storyboard_worker.logs import event
from storyboard_worker.pauses import Trouble
from storyboard_worker.policy import Kind, kind_of
from storyboard_worker.queries.alarms import AlarmRegister, Signs
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter

RAISED_EVERY_SECONDS = 3600.0
# Less than lies between two sweeps, and more than one of them takes to meet an upstream twice.
PERSISTS_SECONDS = 60.0

NO_WORKER = "no_worker"
STALLED = "stalled"
EXPIRING = "expiring"
UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True)
class Alarm:
    """``name`` is what an outage is recognised by; ``next_step`` the command to type."""

    name: str
    message: str
    next_step: str
    facts: dict[str, object] = field(default_factory=dict)


class Alarms:
    """``max_wait_seconds``: how long a row may have been due, and an upstream refuse."""

    def __init__(
        self,
        register: AlarmRegister,
        workers: WorkerRegister,
        reporter: Reporter,
        *,
        max_wait_seconds: float,
    ) -> None:
        self._register = register
        self._workers = workers
        self._reporter = reporter
        self._max_wait_seconds = max_wait_seconds

    def watch(self) -> list[str]:
        """Look, and raise what has to be raised; the messages of what was."""
        signs = self._register.look()
        workers = self._workers.alive()
        self._register.clear(*([NO_WORKER] if workers else []))
        found = [
            *_waiting_alarms(signs, workers, self._max_wait_seconds),
            *_expiring_alarms(signs),
            *_refused_workers(signs.moment, workers, self._max_wait_seconds),
        ]
        return self._raise(found)

    def met(self, troubles: list[Trouble]) -> list[str]:
        """Upstreams that a sweep's own attempts found down, or refusing us: raised where no worker
        tells of it and a sweep before has met the same."""
        if self._workers.alive():
            return []
        found = [
            _refusing(trouble.upstream, f"{trouble.upstream} goes on refusing: {trouble.code}")
            for trouble in troubles
            if _is_grave(trouble.code)
        ]
        if not found:
            self._register.clear(beginning=UPSTREAM)
        return self._raise(
            [
                alarm
                for alarm in found
                if self._register.seen_for_seconds(alarm.name) >= PERSISTS_SECONDS
            ]
        )

    def _raise(self, found: list[Alarm]) -> list[str]:
        raised = []
        for alarm in found:
            if self._register.raise_once(alarm.name, every_seconds=RAISED_EVERY_SECONDS):
                event(logging.ERROR, alarm.message, alarm=alarm.name)
                self._reporter.alarm(
                    alarm.name, alarm.message, next_step=alarm.next_step, **alarm.facts
                )
                raised.append(alarm.message)
            else:
                event(logging.WARNING, f"still: {alarm.message}", alarm=alarm.name)
        return raised


def _waiting_alarms(
    signs: Signs, workers: list[dict[str, Any]], max_wait_seconds: float
) -> Iterator[Alarm]:
    waited = signs.oldest_waiting_seconds
    if waited <= max_wait_seconds:
        return
    facts: dict[str, object] = {"oldest_waiting_seconds": round(waited)}
    if not workers:
        yield Alarm(
            NO_WORKER,
            f"Storyboards have waited for {waited:.0f} s and no worker is alive",
            "look at the worker's deployment and its log; storyboard-worker status",
            facts,
        )
    elif _is_stalled(signs, workers, max_wait_seconds):
        yield Alarm(
            STALLED,
            f"Storyboards have waited for {waited:.0f} s while {len(workers)} worker(s) beat but "
            "take nothing",
            "restart the worker; storyboard-worker doctor",
            {**facts, "workers": ", ".join(worker["worker_id"] for worker in workers)},
        )


def _is_stalled(signs: Signs, workers: list[dict[str, Any]], max_wait_seconds: float) -> bool:
    """Nothing was taken for so long, though somebody was there all the time, whom no upstream
    kept from it."""
    idle = signs.seconds_since_activity
    since = min(worker["started_at"] for worker in workers)
    return (
        (idle is None or idle > max_wait_seconds)
        and (signs.moment - since).total_seconds() > max_wait_seconds
        and not any(worker["troubled"] for worker in workers)
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


def _refused_workers(
    now: datetime, workers: list[dict[str, Any]], max_wait_seconds: float
) -> Iterator[Alarm]:
    """Upstreams with which workers have had trouble for too long."""
    told: set[str] = set()
    for worker in workers:
        for upstream, since in sorted(worker["troubled"].items()):
            lasted = (now - datetime.fromisoformat(since)).total_seconds()
            if lasted > max_wait_seconds and upstream not in told:
                told.add(upstream)
                yield _refusing(upstream, f"{upstream} has refused everybody for {lasted:.0f} s")


def _refusing(upstream: str, message: str) -> Alarm:
    return Alarm(
        f"{UPSTREAM}:{upstream}",
        message,
        "storyboard-worker doctor; storyboard-worker failures",
        {"upstream": upstream},
    )


def _is_grave(code: ErrorCode) -> bool:
    """Down, or our credentials are refused; a limited rate passes by itself."""
    return code is ErrorCode.STORAGE_UNAUTHORIZED or kind_of(code) is not Kind.BLAMELESS
