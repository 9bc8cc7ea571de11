"""Attempts whose row is taken away, that are stopped, or that break unexpectedly."""

import errno
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn

import psycopg
import pytest

from storyboard_worker.attempts.breaker import DOWN_AFTER_ROWS
from storyboard_worker.attempts.outcome import Ended, Outcome
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.resources.restraint import FIRST_PAUSE_SECONDS
from storyboard_worker.storyboard import Claim
from storyboard_worker.transfer import copying as transfer
from tests.support.attempting import Bench
from tests.support.attempts import new_claim, source_error
from tests.support.producing import NO_CLAIM, NO_OUTCOME, change, delete, only, storyboard
from tests.support.stage import PLENTY_SECONDS

IMAGE = random_image(5_000, "JPEG", seed=2)


@pytest.fixture
def under_way(
    bench: Bench, slot: ThreadPoolExecutor, release: threading.Event
) -> tuple[Claim, Future[Ended]]:
    """An attempt that has asked its source, which does not answer before ``release``."""
    claim = bench.claim(bench.stage.serve(IMAGE, [Hang(release)]))
    running = slot.submit(bench.run, claim)
    bench.stage.origin.wait_for_requests(1)
    return claim, running


Taken = Callable[[psycopg.Connection, Claim], object]


@pytest.mark.parametrize(
    "take",
    [
        lambda producer, claim: change(
            producer, claim.id, source_url="http://127.0.0.1/another.jpg"
        ),
        lambda producer, claim: change(producer, claim.id, status="pending"),
    ],
    ids=["regenerated", "retried by hand"],
)
def test_a_row_that_was_taken_away_is_left_as_it_is(
    bench: Bench, under_way: tuple[Claim, Future[Ended]], release: threading.Event, take: Taken
) -> None:
    claim, running = under_way
    before = take(bench.producer, claim)
    release.set()
    assert running.result(PLENTY_SECONDS).outcome is Outcome.LEASE_LOST
    assert storyboard(bench.producer, claim.id) == before


def test_a_late_worker_does_not_write_over_a_newer_claim(
    bench: Bench, under_way: tuple[Claim, Future[Ended]], release: threading.Event
) -> None:
    claim, running = under_way
    change(bench.producer, claim.id, status="pending")
    newer = bench.claim_again(claim.id)
    before = bench.row(claim)
    release.set()
    assert running.result(PLENTY_SECONDS).outcome is Outcome.LEASE_LOST
    assert bench.row(newer) == before
    assert before["claim_token"] == newer.token


def test_an_error_of_a_lost_attempt_is_dropped_too(bench: Bench) -> None:
    claim = bench.claim(bench.stage.origin.sign("missing.jpg"))
    before = change(bench.producer, claim.id, status="pending")
    ended = bench.run(claim)
    assert ended.outcome is Outcome.LEASE_LOST
    assert bench.row(claim) == before


def test_a_row_that_was_deleted_is_no_error(
    bench: Bench, under_way: tuple[Claim, Future[Ended]], release: threading.Event
) -> None:
    claim, running = under_way
    delete(bench.producer, claim.id)
    release.set()
    assert running.result(PLENTY_SECONDS).outcome is Outcome.LEASE_LOST


def test_a_cancelled_attempt_writes_nothing(
    bench: Bench, under_way: tuple[Claim, Future[Ended]]
) -> None:
    claim, running = under_way
    before = bench.row(claim)
    bench.deadline.cancel()
    assert running.result(PLENTY_SECONDS).outcome is Outcome.CANCELLED
    assert bench.row(claim) == before
    assert bench.stage.cloudinary.uploads == []


def test_an_unexpected_error_is_retried(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_head: bytes) -> None:
        raise ZeroDivisionError("secret text of an exception")

    monkeypatch.setattr(transfer, "recognise", broken)
    claim = bench.claim(bench.stage.serve(IMAGE))
    ended = bench.run(claim)
    row = bench.row(claim)
    assert ended.outcome is Outcome.RETRIED
    assert (row["status"], row["attempts"], row["error_code"]) == ("pending", 1, "unexpected")
    assert row["error_message"] == "ZeroDivisionError in the worker's own code"
    assert only(row, NO_CLAIM | NO_OUTCOME) == NO_CLAIM | NO_OUTCOME
    # The stack is in the log.
    assert any(record.exc_info for record in caplog.records)


def test_an_unexpected_error_fails_after_the_last_attempt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "recognise", lambda _head: 1 / 0)
    claim = bench.claim(bench.stage.serve(IMAGE), max_attempts=1)
    assert bench.run(claim).outcome is Outcome.FAILED
    assert bench.row(claim)["error_code"] == "unexpected"


class Lacking:
    """A transfer that fails as one does without a free descriptor."""

    def copy(self, *_: object, **__: object) -> NoReturn:
        lack = OSError(errno.EMFILE, "Too many open files")
        raise AttemptError(ErrorCode.STORAGE_UNAVAILABLE, "no", upstream="cloudinary") from lack


def test_a_lack_of_our_own_uses_up_no_attempt_and_blames_no_upstream(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    for _ in range(DOWN_AFTER_ROWS):
        bench.breakers.failed(new_claim(claim.upstream), source_error(upstream=claim.upstream))
    bench.breakers.started(claim)
    lacking: Any = Lacking()
    ended = bench.run(claim, lacking)
    assert ended.outcome is Outcome.RELEASED
    row = bench.row(claim)
    assert (row["status"], row["attempts"], row["own_errors"]) == ("pending", 0, 0)
    assert row["error_code"] == "unexpected"
    assert row["error_message"].startswith("this worker lacks file descriptors (EMFILE")
    assert bench.waits_seconds(claim) == pytest.approx(FIRST_PAUSE_SECONDS, abs=0.5)
    assert set(bench.breakers.paused_seconds()) == {claim.upstream}, "nothing of the storage"
    assert bench.breakers._breakers[claim.upstream].probes == set(), "another may be a probe"
    assert bench.restraint.most == 0
    assert not [record for record in caplog.records if record.exc_info], "it is no bug"


def test_it_is_told_once_for_all_its_rows(bench: Bench) -> None:
    lacking: Any = Lacking()
    for number in range(3):
        bench.run(bench.claim(bench.stage.serve(IMAGE, name=f"{number}.jpg")), lacking)
    assert bench.lacks == []
    bench.attempts().tell_news(at_once=True)
    bench.attempts().tell_news(at_once=True)
    assert [str(lack.resource) for lack in bench.lacks] == ["file descriptors"]
