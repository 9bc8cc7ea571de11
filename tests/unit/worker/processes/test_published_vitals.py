"""What worker processes publish, as the HTTP process observes it."""

import os
import time
from types import SimpleNamespace
from typing import Any

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.worker.processes.children import Death
from storyboard_worker.worker.processes.observing import ObservedVitals
from storyboard_worker.worker.processes.publishing import PROVEN_AFTER_SECONDS, PublishedVitals
from storyboard_worker.worker.processes.records import Field, Record, new_records
from tests.support.attempts import new_claim

COUNTS = 3


def publish(
    record: Record,
    breakers: Breakers | None = None,
    errors: int = 0,
    before: Death | None = None,
) -> PublishedVitals:
    database: Any = SimpleNamespace(errors=errors)
    return PublishedVitals(record, breakers or Breakers(), database, before)


def fill(vitals: PublishedVitals, slots_taken: int, *, listening: bool) -> None:
    vitals.fill(silent_seconds=float, slots_taken=lambda: slots_taken, listening=lambda: listening)
    vitals.loop_moved()


@pytest.fixture
def records() -> list[Record]:
    return new_records(2, counts=COUNTS)


def test_before_they_have_begun_nothing_is_wrong(records: list[Record]) -> None:
    observed = ObservedVitals(records)
    assert 0 <= observed.silent_seconds < 5
    assert (observed.slots_taken, observed.listening) == (0, False)
    assert (observed.pauses_begun, observed.database_errors) == (0, 0)
    assert observed.paused_seconds() == observed.lasting_seconds() == {}


def test_the_longest_silence_and_the_sum_of_the_slots(records: list[Record]) -> None:
    observed = ObservedVitals(records)
    first, second = publish(records[0]), publish(records[1])
    fill(first, 3, listening=True)
    fill(second, 2, listening=False)
    assert (observed.slots_taken, observed.listening) == (5, False)
    fill(second, 2, listening=True)
    assert observed.listening
    records[0].numbers[Field.LOOP_MOVED_AT] = time.monotonic() - 100
    assert 100 <= observed.silent_seconds < 105
    first.loop_moved()
    assert observed.silent_seconds < 5


def test_one_that_stops_is_not_silent(records: list[Record]) -> None:
    observed = ObservedVitals(records)
    for record in records:
        vitals = publish(record)
        fill(vitals, 1, listening=True)
        vitals.loop_ends()
        vitals.loop_moved()
        assert record.numbers[Field.LOOP_MOVED_AT] == float("inf")
    assert observed.silent_seconds == 0


def test_one_that_died_leaves_what_it_counted_and_its_last_move(records: list[Record]) -> None:
    observed = ObservedVitals(records)
    failed(breakers := Breakers())
    vitals = publish(records[0], breakers, errors=4)
    records[0].begin()
    assert records[0].numbers[Field.PID] == os.getpid()
    fill(vitals, 3, listening=True)
    vitals.ticked()
    records[0].numbers[Field.LOOP_MOVED_AT] = time.monotonic() - 50
    records[0].counts[COUNTS - 1] = 7.5

    records[0].end()

    assert records[0].numbers[Field.PID] == 0
    assert (observed.slots_taken, observed.paused_seconds()) == (0, {})
    assert observed.silent_seconds >= 50
    assert (observed.pauses_begun, observed.database_errors) == (1, 4)
    assert records[0].counts[COUNTS - 1] == 7.5

    publish(records[0], errors=2).ticked()
    assert (observed.pauses_begun, observed.database_errors) == (1, 6)


def test_the_successor_of_one_that_had_stopped_has_time_to_begin(records: list[Record]) -> None:
    vitals = publish(records[0])
    fill(vitals, 0, listening=True)
    vitals.loop_ends()
    records[0].end()
    assert time.monotonic() - records[0].numbers[Field.LOOP_MOVED_AT] < 5


class Clock:
    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def died_after(seconds: float) -> Death:
    return Death(4711, -9, seconds)


def test_those_that_keep_dying_soon_are_silent(records: list[Record], clock: Clock) -> None:
    observed = ObservedVitals(records[:1])
    fill(publish(records[0]), 1, listening=True)
    for _ in range(7):
        records[0].end()
        clock.now += 7.5
        successor = publish(records[0], before=died_after(0.5))
        fill(successor, 1, listening=True)
        successor.ticked()
        assert observed.slots_taken == 1
    assert observed.silent_seconds == pytest.approx(7 * 7.5)
    assert observed.early_deaths == 7


def test_one_that_outlives_an_early_death_is_well_again(
    records: list[Record], clock: Clock
) -> None:
    observed = ObservedVitals(records[:1])
    successor = publish(records[0], before=died_after(0.5))
    fill(successor, 1, listening=True)
    clock.now += PROVEN_AFTER_SECONDS
    # An idle loop moves rarely.
    successor.ticked()
    assert (observed.silent_seconds, observed.early_deaths) == (PROVEN_AFTER_SECONDS, 0)
    clock.now += 5
    assert observed.silent_seconds == PROVEN_AFTER_SECONDS + 5
    successor.loop_moved()
    assert observed.silent_seconds == 0


def test_one_that_follows_a_long_life_is_believed_at_once(
    records: list[Record], clock: Clock
) -> None:
    observed = ObservedVitals(records[:1])
    clock.now += 40
    fill(publish(records[0], before=died_after(3600)), 1, listening=True)
    assert observed.silent_seconds == 0


def test_a_record_knows_under_which_id_the_process_before_had_registered(
    records: list[Record],
) -> None:
    assert records[0].register("a-host-1-abcdef") is None
    records[0].end()
    assert records[0].register("host-22-fedcba") == "a-host-1-abcdef"
    assert (records[0].worker_id, records[1].worker_id) == ("host-22-fedcba", "")


def failed(breakers: Breakers) -> None:
    error = AttemptError(ErrorCode.STORAGE_UNAUTHORIZED, "no", upstream=STORAGE_UPSTREAM)
    breakers.failed(new_claim(), error)


def test_pauses_of_all_of_them(records: list[Record]) -> None:
    observed = ObservedVitals(records)
    for record in records:
        failed(breakers := Breakers())
        publish(record, breakers).ticked()
    assert observed.pauses_begun == 2
    assert 0 < observed.paused_seconds()[STORAGE_UPSTREAM] <= 30
    assert 0 <= observed.lasting_seconds()[STORAGE_UPSTREAM] < 5
    records[0].end()
    assert list(observed.lasting_seconds()) == [STORAGE_UPSTREAM]
