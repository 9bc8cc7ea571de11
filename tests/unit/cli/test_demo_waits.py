"""The demo names its waits, and no planted fault makes it wait for long."""

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from storyboard_worker.attempts.policy import backoff_seconds
from storyboard_worker.cli.demo_panels import TROUBLES, Trouble
from storyboard_worker.cli.demo_view import Screen
from storyboard_worker.cli.demo_waits import MOST_TOLD, in_words, waits
from storyboard_worker.cli.demo_worker import LEASE_SECONDS
from storyboard_worker.demo.faults import Answer
from storyboard_worker.worker.keeper import RENEWALS_PER_LEASE

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def row(status: str = "pending", **changed: Any) -> dict[str, Any]:
    new = {
        "status": status,
        "error_code": None,
        "error_message": None,
        "available_at": NOW,
        "source_expires_at": NOW + timedelta(days=1),
        "finished_at": None,
    }
    return {**new, **changed}


def refused(status: int, wait_seconds: float) -> dict[str, Any]:
    return row(
        error_code="source_unavailable",
        error_message=f"the source answers {status}",
        available_at=NOW + timedelta(seconds=wait_seconds),
    )


def told(*rows: dict[str, Any]) -> list[str]:
    return in_words(waits(rows, NOW), NOW)


def test_next_attempts_are_listed_with_their_reasons_soonest_first() -> None:
    assert told(row("ready"), refused(503, 1.82), row("processing"), refused(429, 0.5)) == [
        "panel 4 waits for its next attempt in 0.5 s: the source answers 429",
        "panel 2 waits for its next attempt in 1.8 s: the source answers 503",
    ]


def test_a_dead_link_waits_for_the_workers_next_look() -> None:
    assert told(row("ready"), row(source_expires_at=NOW)) == [
        "panel 2 waits for the worker's next look for dead links, within 2 s"
    ]
    assert LEASE_SECONDS / RENEWALS_PER_LEASE == 2


def test_untouched_panels_wait_for_the_worker() -> None:
    assert told(row(), row(source_expires_at=NOW)) == ["all panels wait for the worker to start"]


def test_attempts_that_are_under_way_or_due_or_finished_wait_for_nothing() -> None:
    assert told(row("processing"), row(), row("ready"), row("failed")) == []


def test_of_many_waits_only_some_are_listed() -> None:
    lines = told(*(refused(503, 1.0) for _ in range(MOST_TOLD + 3)))

    assert len(lines) == MOST_TOLD + 1
    assert lines[-1] == "3 others wait as well"


def test_a_wait_stays_the_same_while_its_seconds_run_down() -> None:
    later = NOW + timedelta(seconds=0.4)
    rows = [refused(503, 1.0)]

    assert waits(rows, NOW) == waits(rows, later)
    assert in_words(waits(rows, NOW), NOW) != in_words(waits(rows, later), later)


def test_the_live_view_shows_the_waits_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    in_an_hour = (datetime.now(UTC) - NOW).total_seconds() + 3600
    rows = [row("ready", finished_at=NOW), refused(503, in_an_hour)]

    Console(width=100).print(Screen()._view(rows))

    told = r"panel 2 waits for its next attempt in 3[56]\d\d\.\d s: the source answers 503\n"
    assert re.search(told, capsys.readouterr().out)


class Longest(random.Random):
    """A random generator that draws the longest delay."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.words)
def test_no_planted_fault_waits_longer_than_2_s(trouble: Trouble) -> None:
    retries = range(1, trouble.attempts or 1)
    asked = [f.headers.get("Retry-After", "0") for f in trouble.faults if isinstance(f, Answer)]

    assert sum(backoff_seconds(attempt, Longest()) for attempt in retries) <= 2
    assert sum(map(float, asked)) <= 2
