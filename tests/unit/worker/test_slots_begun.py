"""A request that is begun for a lone row before its slot's thread has it."""

import queue
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from storyboard_worker.attempts.outcome import Ended, Outcome, Worked
from storyboard_worker.errors import AttemptCancelled, ResourceExhausted
from storyboard_worker.storyboard import Claim
from storyboard_worker.timings import Timings
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.worker.slots import Slots
from tests.support.attempts import new_claim

WAIT_SECONDS = 10


class Request:
    """One that was begun with ``deadline``."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Team:
    """Two slots whose attempts end when they are told to."""

    def __init__(self) -> None:
        self.worked_on: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self.may_end = threading.Semaphore(0)
        self.worked: queue.SimpleQueue[Worked] = queue.SimpleQueue()
        self.asked: list[Claim] = []
        attempts: Any = self
        self.slots = Slots(
            attempts,
            count=2,
            attempt_timeout_seconds=60,
            on_worked=self.worked.put,
            begin=cast("Any", self.begin),
        )

    def begin(self, claim: Claim, deadline: Deadline) -> Request:
        self.asked.append(claim)
        return Request(deadline)

    def work(self, attempt: Attempt) -> Worked:
        self.worked_on.put(attempt)
        self.may_end.acquire(timeout=WAIT_SECONDS)
        return Worked(attempt, AttemptCancelled())

    def refuse(self, attempt: Attempt, lack: ResourceExhausted) -> Worked:
        return Worked(attempt, lack)

    def start(self) -> Claim:
        claim = new_claim()
        self.slots.take(most=1)
        self.slots.start(claim)
        return claim

    def end_one(self) -> None:
        self.may_end.release()
        worked = self.worked.get(timeout=WAIT_SECONDS)
        self.slots.end(Ended(worked.claim, Outcome.READY, 0.1, Timings()))


@pytest.fixture
def team() -> Iterator[Team]:
    team = Team()
    yield team
    for _ in range(4):
        team.may_end.release()
    team.slots.close()


def test_the_attempt_goes_on_with_it_under_the_same_deadline(team: Team) -> None:
    team.start()
    attempt = team.worked_on.get(timeout=WAIT_SECONDS)
    begun = cast("Request", attempt.begun)
    assert begun.deadline is attempt.deadline


def test_none_is_begun_while_something_is_under_way(team: Team) -> None:
    first = team.start()
    team.start()
    assert team.asked == [first]
    team.end_one()
    team.end_one()
    third = team.start()
    assert team.asked == [first, third]


def test_none_is_begun_for_a_row_that_may_be_held_back(team: Team) -> None:
    team.slots.take(most=1)
    team.slots.start(new_claim(), ahead=True)
    assert team.worked_on.get(timeout=WAIT_SECONDS).begun is None
    assert team.asked == []


def test_what_the_attempt_has_not_used_is_closed(team: Team) -> None:
    team.start()
    begun = cast("Request", team.worked_on.get(timeout=WAIT_SECONDS).begun)
    assert not begun.closed.is_set()
    team.end_one()
    assert begun.closed.is_set()


def test_an_attempt_that_finds_no_thread_closes_it(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    team.start()
    begun = cast("Request", team.worked.get(timeout=WAIT_SECONDS).attempt.begun)
    assert begun.closed.is_set()
