"""Slots: the end of an attempt that was stopped, and what is left after they are closed."""

import threading
from collections.abc import Iterator

import pytest

from storyboard_worker.attempts.runner import Outcome
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.worker.keeper import renew_leases
from storyboard_worker.worker.slots import Slots
from tests.support.attempting import Bench
from tests.support.waiting import eventually

IMAGE = random_image(20_000, "JPEG", seed=3)


@pytest.fixture
def slots(bench: Bench) -> Iterator[Slots]:
    slots = Slots(bench.attempts(), count=2, attempt_timeout_seconds=60, on_free=lambda: None)
    yield slots
    slots.close()


def start_hanging(bench: Bench, slots: Slots, release: threading.Event) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Hang(release)]))
    assert slots.take(most=1) == 1
    slots.start(claim)
    bench.stage.origin.wait_for_requests(1)


def test_a_row_that_was_taken_away_is_a_lost_lease(
    bench: Bench, slots: Slots, release: threading.Event
) -> None:
    start_hanging(bench, slots, release)
    bench.producer.execute("DELETE FROM storyboards")
    renew_leases(bench.queue, slots)
    assert slots.wait_idle(30)
    assert slots.tally == {Outcome.LEASE_LOST: 1}
    assert slots._lost == set()


def test_one_that_is_stopped_for_another_reason_is_cancelled(
    bench: Bench, slots: Slots, release: threading.Event
) -> None:
    start_hanging(bench, slots, release)
    slots.cancel(slots.under_way)
    assert slots.wait_idle(30)
    assert slots.tally == {Outcome.CANCELLED: 1}


def test_closed_slots_finish_what_is_under_way_and_end(
    bench: Bench, slots: Slots, release: threading.Event
) -> None:
    def threads() -> int:
        return sum(thread.name.startswith("slot-") for thread in threading.enumerate())

    before = threads()
    start_hanging(bench, slots, release)
    assert threads() == before + 1
    slots.close()
    release.set()
    eventually(lambda: threads() == before)
    assert slots.tally == {Outcome.READY: 1}


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
    bench: Bench, slots: Slots, no_threads: None
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    slots.take(most=1)
    slots.start(claim)
    assert slots.wait_idle(0)
    assert (slots.free, slots.tally) == (2, {Outcome.RELEASED: 1})
    row = bench.row(claim)
    assert (row["status"], row["attempts"], row["error_code"]) == ("pending", 0, "unexpected")
    assert row["error_message"] == "this worker lacks threads (can't start new thread)"
    assert bench.restraint.most == 0


def test_the_database_is_not_waited_for_where_no_thread_may_wait(
    bench: Bench, slots: Slots, no_threads: None, caplog: pytest.LogCaptureFixture
) -> None:
    """The claim loop starts attempts. The row comes back when its lease lapses."""
    claim = bench.claim(bench.stage.serve(IMAGE))
    bench.producer.execute("ALTER TABLE storyboards RENAME TO away")
    try:
        slots.take(most=1)
        slots.start(claim)
    finally:
        bench.producer.execute("ALTER TABLE away RENAME TO storyboards")
    assert slots.tally == {Outcome.CANCELLED: 1}
    assert bench.row(claim)["status"] == "processing"
