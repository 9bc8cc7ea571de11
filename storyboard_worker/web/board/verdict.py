"""Whether all is well, and if not, what is wrong and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from storyboard_worker.queries.board.causes import FailedCauses
from storyboard_worker.queries.board.summary import Summary

# Failures of before are history.
LATELY = timedelta(days=1)


class Level(IntEnum):
    """How bad a finding is, worst last."""

    WELL = 0
    WATCH = 1
    BAD = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """``key`` is the text, with ``values`` and ``at`` put into it."""

    level: Level
    key: str
    values: dict[str, object] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """HEALTH_MAX_WAITING and HEALTH_MAX_WAIT_SECONDS."""

    waiting: int
    wait_seconds: float


def findings(summary: Summary, causes: FailedCauses, limits: Limits) -> list[Finding]:
    """What is wrong, the worst first and pauses last; at least one: that all is well."""
    found = [*_wrong(summary, limits), *_failed(summary, causes)]
    found.sort(key=lambda finding: -finding.level)
    found += _paused(summary)
    return found or [Finding(Level.WELL, "verdict.well", {"count": len(summary.workers)})]


def _wrong(summary: Summary, limits: Limits) -> Iterator[Finding]:
    waiting = summary.waiting.count
    if not summary.workers:
        key = "verdict.no_worker_and_waiting" if waiting else "verdict.no_worker"
        yield Finding(Level.BAD, key, {"count": waiting})
    if summary.oldest_waiting_seconds > limits.wait_seconds:
        minutes = round(summary.oldest_waiting_seconds / 60)
        yield Finding(Level.BAD, "verdict.waits_long", {"count": max(1, minutes)})
    elif waiting > limits.waiting:
        yield Finding(Level.WATCH, "verdict.many_wait", {"count": waiting})
    if summary.expiring_soon:
        yield Finding(Level.BAD, "verdict.expiring", {"count": summary.expiring_soon})
    for alarm in summary.alarms:
        yield Finding(Level.WATCH, "verdict.alarm", {"alarm": alarm.name}, alarm.raised_at)


def _failed(summary: Summary, causes: FailedCauses) -> Iterator[Finding]:
    lately = sum(cause.last > summary.moment - LATELY for cause in causes.causes)
    if lately:
        yield Finding(Level.WATCH, "verdict.failed", {"count": lately})


def _paused(summary: Summary) -> Iterator[Finding]:
    """Most pauses are over in some seconds, so all of them share one line, which has a fixed
    place."""
    if summary.paused:
        upstreams = dict.fromkeys(pause["upstream"] for pause in summary.paused)
        until = max(datetime.fromisoformat(pause["until"]) for pause in summary.paused)
        yield Finding(Level.WATCH, "verdict.paused", {"upstreams": ", ".join(upstreams)}, until)
