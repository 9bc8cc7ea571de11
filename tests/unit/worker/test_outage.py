"""An outage that both the claim loop and the keeper meet is told once."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from storyboard_worker.errors import (
    DatabaseUnavailable,
    Resource,
    ResourceExhausted,
    RowsHidden,
    SchemaOutdated,
)
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.worker import outage as module
from storyboard_worker.worker.outage import ALARM_AFTER_SECONDS, LONGEST_WAIT_SECONDS, Outage
from tests.support.clock import Clock

AWAY = DatabaseUnavailable("away")


class Heard(Reporter):
    """A reporter that keeps the messages."""

    def __init__(self) -> None:
        super().__init__(SentrySettings(), Redactor(), worker_id="worker-1")
        self.alarms: list[str] = []
        self.crashes: list[Exception] = []
        self.lacks: list[ResourceExhausted] = []

    def alarm(self, name: str, message: str, *, next_step: str, **_: object) -> None:
        assert (name, next_step) == ("database", "storyboard-worker doctor")
        self.alarms.append(message)

    def crashed(self, error: Exception) -> None:
        self.crashes.append(error)


@pytest.fixture(autouse=True)
def time_by_the_clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def outage(heard: Heard) -> Outage:
    return Outage(heard, heard.lacks.append)


def last(clock: Clock, fail: Callable[[Exception], object], seconds: float) -> None:
    """Let it fail again and again for so many seconds."""
    ends_at = clock.now + seconds
    while clock.now <= ends_at:
        fail(AWAY)
        clock.now += 1


def test_the_loop_waits_ever_longer(outage: Outage, clock: Clock) -> None:
    waits = [outage.wait_seconds(AWAY) for _ in range(8)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, *[LONGEST_WAIT_SECONDS] * 3]
    outage.over()
    assert outage.wait_seconds(AWAY) == 0.2


@pytest.mark.parametrize("source", ["wait_seconds", "keeper_failed"])
def test_it_is_told_once_when_it_lasts(
    outage: Outage, heard: Heard, clock: Clock, source: str
) -> None:
    fail = getattr(outage, source)
    last(clock, fail, ALARM_AFTER_SECONDS)
    assert heard.alarms == []
    last(clock, fail, ALARM_AFTER_SECONDS)
    assert heard.alarms == ["The worker cannot work: the database is away or not migrated"]


def test_both_together_are_one_outage(outage: Outage, heard: Heard, clock: Clock) -> None:
    last(clock, outage.wait_seconds, ALARM_AFTER_SECONDS * 2)
    last(clock, outage.keeper_failed, ALARM_AFTER_SECONDS * 2)
    outage.over()
    last(clock, outage.keeper_failed, ALARM_AFTER_SECONDS * 2)
    assert len(heard.alarms) == 1
    outage.keeper_is_well()
    last(clock, outage.keeper_failed, ALARM_AFTER_SECONDS * 2)
    assert len(heard.alarms) == 2


def test_a_loop_that_works_does_not_hide_the_keeper(
    outage: Outage, heard: Heard, clock: Clock
) -> None:
    for _ in range(int(ALARM_AFTER_SECONDS) + 2):
        outage.keeper_failed(AWAY)
        outage.over()
        clock.now += 1
    assert len(heard.alarms) == 1


def test_a_keeper_that_works_in_between_has_no_lasting_outage(
    outage: Outage, heard: Heard, clock: Clock
) -> None:
    for _ in range(10):
        last(clock, outage.keeper_failed, ALARM_AFTER_SECONDS / 2)
        outage.keeper_is_well()
    assert heard.alarms == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RowsHidden("hidden"), "row-level security hides the storyboards from it"),
        (SchemaOutdated("old"), "the database is away or not migrated"),
        (ValueError("odd"), "claiming fails unexpectedly (ValueError)"),
    ],
)
def test_the_words_of_the_alarm(
    outage: Outage, heard: Heard, clock: Clock, error: Exception, words: str
) -> None:
    outage.wait_seconds(error)
    clock.now += ALARM_AFTER_SECONDS + 1
    outage.wait_seconds(error)
    assert heard.alarms == [f"The worker cannot work: {words}"]
    assert heard.crashes == ([error] if isinstance(error, ValueError) else [])


def test_a_lack_of_our_own_is_no_fault_of_the_database(
    outage: Outage, heard: Heard, clock: Clock
) -> None:
    lacking = DatabaseUnavailable("no thread to connect with")
    lacking.__cause__ = RuntimeError("can't start new thread")
    while clock.now < 1000.0 + 2 * ALARM_AFTER_SECONDS:
        outage.wait_seconds(lacking)
        outage.keeper_failed(lacking)
        clock.now += LONGEST_WAIT_SECONDS
    assert not heard.alarms
    assert not heard.crashes
    assert {lack.resource for lack in heard.lacks} == {Resource.THREADS}
