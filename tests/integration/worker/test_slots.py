"""Slots: the end of an attempt that was stopped, and what is left after they are closed."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.settings.reading import Settings
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.worker.shift import Shift, Team
from storyboard_worker.worker.slots import Slots
from tests.support.attempting import Bench
from tests.support.waiting import eventually

IMAGE = random_image(20_000, "JPEG", seed=3)


@pytest.fixture
def shift(bench: Bench) -> Iterator[Shift]:
    team = Team(bench.queue, bench.attempts(), bench.breakers, bench.restraint)
    shift = Shift(
        team, Settings("", None, SentrySettings(), worker_concurrency=2), wake=lambda: None
    )
    yield shift
    shift.slots.close()


@pytest.fixture
def slots(shift: Shift) -> Slots:
    return shift.slots


@pytest.fixture
def locking(dsn: str) -> Iterator[psycopg.Connection]:
    """For a transaction that ends with the test at the latest."""
    with psycopg.connect(dsn) as connection:
        yield connection
        connection.rollback()


def settle_all(shift: Shift) -> None:
    ends_at = time.monotonic() + 30
    shift.settle_until(lambda: ends_at - time.monotonic())
    assert shift.slots.under_way == []


def start_hanging(bench: Bench, slots: Slots, release: threading.Event) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Hang(release)]))
    assert slots.take(most=1) == 1
    slots.start(claim)
    bench.stage.origin.wait_for_requests(1)


def test_a_row_that_was_taken_away_is_a_lost_lease(
    bench: Bench, shift: Shift, slots: Slots, release: threading.Event
) -> None:
    start_hanging(bench, slots, release)
    bench.producer.execute("DELETE FROM storyboards")
    shift.renew_leases()
    settle_all(shift)
    assert slots.tally == {Outcome.LEASE_LOST: 1}
    assert slots._lost == set()


def test_one_that_is_stopped_for_another_reason_is_cancelled(
    bench: Bench, shift: Shift, slots: Slots, release: threading.Event
) -> None:
    start_hanging(bench, slots, release)
    slots.cancel(slots.under_way)
    settle_all(shift)
    assert slots.tally == {Outcome.CANCELLED: 1}


def test_closed_slots_finish_what_is_under_way_and_end(
    bench: Bench, shift: Shift, slots: Slots, release: threading.Event
) -> None:
    def threads() -> int:
        return sum(thread.name.startswith("slot-") for thread in threading.enumerate())

    before = threads()
    start_hanging(bench, slots, release)
    assert threads() == before + 1
    slots.close()
    release.set()
    eventually(lambda: threads() == before)
    settle_all(shift)
    assert slots.tally == {Outcome.READY: 1}


def test_a_stop_that_has_no_time_writes_what_has_come(
    bench: Bench, shift: Shift, slots: Slots
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    slots.take(most=1)
    slots.start(claim)
    eventually(lambda: not shift._outbox._arrived.empty())
    shift.settle_until(lambda: 0.0)
    assert slots.tally == {Outcome.READY: 1}
    assert bench.row(claim)["status"] == "ready"


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system has no thread left for slots."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("slot-"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_row_for_which_there_is_no_thread_is_given_back(
    bench: Bench, shift: Shift, slots: Slots, no_threads: None
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    slots.take(most=1)
    slots.start(claim)
    shift.settle()
    assert (slots.free, slots.tally) == (2, {Outcome.RELEASED: 1})
    row = bench.row(claim)
    assert (row["status"], row["attempts"], row["error_code"]) == ("pending", 0, "unexpected")
    assert row["error_message"] == "this worker lacks threads (can't start new thread)"
    assert bench.restraint.most == 0


def test_what_the_database_does_not_take_then_is_written_later(
    bench: Bench, shift: Shift, slots: Slots, no_threads: None
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    bench.producer.execute("ALTER TABLE storyboards RENAME TO away")
    try:
        slots.take(most=1)
        slots.start(claim)
        assert shift.settle() == []
        assert shift.seconds_until_settling is not None
    finally:
        bench.producer.execute("ALTER TABLE away RENAME TO storyboards")
    settle_all(shift)
    assert slots.tally == {Outcome.RELEASED: 1}
    assert bench.row(claim)["attempts"] == 0


def test_a_stop_gives_back_what_the_database_has_not_taken(
    bench: Bench, shift: Shift, slots: Slots
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    bench.producer.execute("ALTER TABLE storyboards RENAME TO away")
    try:
        slots.take(most=1)
        slots.start(claim)
        eventually(lambda: bool(shift.settle() or shift.seconds_until_settling is not None))
    finally:
        bench.producer.execute("ALTER TABLE away RENAME TO storyboards")
    assert shift.give_back(0.0) == 1
    shift.drop(0.0)
    assert (slots.under_way, slots.free, slots.tally) == ([], 2, {Outcome.CANCELLED: 1})
    row = bench.row(claim)
    assert (row["status"], row["attempts"]) == ("pending", 0)


def test_a_row_claimed_ahead_that_is_locked_is_kept_until_it_can_be_given_back(
    bench: Bench, shift: Shift, slots: Slots, locking: psycopg.Connection
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, []), max_attempts=1)
    slots.take(most=1)
    locking.execute("UPDATE storyboards SET project_id = 'p' WHERE id = %s", [claim.id])
    shift.dispatcher.close()
    slots.start(claim, ahead=True)
    eventually(lambda: shift.settle() or shift.seconds_until_settling)
    assert slots.under_way == [claim], "its lease is renewed"
    locking.rollback()
    settle_all(shift)
    row = bench.row(claim)
    assert (row["status"], row["attempts"], slots.free) == ("pending", 0, 2)


def test_a_held_row_that_is_no_longer_ours_is_dropped(
    bench: Bench, shift: Shift, slots: Slots, locking: psycopg.Connection
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, []))
    slots.take(most=1)
    locking.execute("DELETE FROM storyboards")
    shift.dispatcher.close()
    slots.start(claim, ahead=True)
    eventually(lambda: shift.settle() or shift.seconds_until_settling)
    locking.commit()
    settle_all(shift)
    assert (slots.under_way, slots.free) == ([], 2)
