"""What the demo waits for, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storyboard_worker.storyboard import Status

# With a broken stand-in all panels wait; the first few lines say enough.
MOST_TOLD = 6
# How often the demo's worker looks for links that have died. It is repeated here because importing
# its source would take a tenth of a second; a test compares both.
DEAD_LINKS_SECONDS = 2


@dataclass(frozen=True)
class Wait:
    """One thing that is waited for; two readings of the same wait are equal."""

    what: str
    until: datetime | None = None
    reason: str = ""

    def in_words(self, now: datetime) -> str:
        seconds = f" in {max(0.0, (self.until - now).total_seconds()):.1f} s" if self.until else ""
        return f"{self.what}{seconds}{self.reason and f': {self.reason}'}"


def waits(rows: Sequence[dict[str, Any]], now: datetime) -> list[Wait]:
    """What must still happen before the panels that are pending are finished."""
    if all(row["status"] == Status.PENDING and row["error_code"] is None for row in rows):
        return [Wait("all panels wait for the worker to start")]
    numbered = enumerate(rows, 1)
    found = (_wait_of(n, row, now) for n, row in numbered if row["status"] == Status.PENDING)
    return [wait for wait in found if wait]


def _wait_of(number: int, row: dict[str, Any], now: datetime) -> Wait | None:
    if row["available_at"] > now:
        what = f"panel {number} waits for its next attempt"
        return Wait(what, row["available_at"], row["error_message"] or "")
    if row["source_expires_at"] and row["source_expires_at"] <= now:
        look = f"the worker's next look for dead links, within {DEAD_LINKS_SECONDS} s"
        return Wait(f"panel {number} waits for {look}")
    return None  # it is due


def in_words(found: Iterable[Wait], now: datetime) -> list[str]:
    """A line for each, soonest first; a few of many."""
    soonest_first = sorted(found, key=lambda wait: wait.until or now)
    lines = [wait.in_words(now) for wait in soonest_first[:MOST_TOLD]]
    if len(soonest_first) > MOST_TOLD:
        lines.append(f"{len(soonest_first) - MOST_TOLD} others wait as well")
    return lines
