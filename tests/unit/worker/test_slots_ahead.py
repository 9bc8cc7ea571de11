"""Rows that are claimed ahead of their slots, and held back when they may not begin."""

import queue
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from storyboard_worker.attempts.outcome import Ended, Outcome, Worked
from storyboard_worker.errors import AttemptCancelled
from storyboard_worker.storyboard import Claim
from storyboard_worker.timings import Timings
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.worker.slots import Slots
from tests.support.attempts import new_claim


class Begun:
    """Attempts that begin, and end when they are told to."""

    def __init__(self) -> None:
        self.begun: queue.SimpleQueue[Claim] = queue.SimpleQueue()
        self.may_end = threading.Semaphore(0)

    def work(self, attempt: Attempt) -> Worked:
        self.begun.put(attempt.claim)
        self.may_end.acquire()
        return Worked(attempt, AttemptCancelled())


class Team:
    """One slot, with what it needs."""

    def __init__(self) -> None:
        self.attempts = Begun()
        self.may_begin = True
        self.worked: queue.SimpleQueue[Worked] = queue.SimpleQueue()
        self.held = threading.Semaphore(0)
        self.slots = Slots(
            cast("Any", self.attempts),
            count=1,
            attempt_timeout_seconds=60,
            on_worked=self.worked.put,
            may_begin=lambda: self.may_begin,
            on_held=self.held.release,
        )

    def claim(self, *, ahead: bool) -> Claim:
        claim = new_claim()
        self.slots.take(ahead=1)
        self.slots.start(claim, ahead=ahead)
        return claim

    def end_one(self) -> None:
        self.attempts.may_end.release()
        worked = self.worked.get(timeout=10)
        self.slots.end(Ended(worked.claim, Outcome.READY, 0.1, Timings()))

    def begun(self) -> Claim:
        return self.attempts.begun.get(timeout=10)


@pytest.fixture
def team() -> Iterator[Team]:
    team = Team()
    yield team
    for _ in range(5):
        team.attempts.may_end.release()
    team.slots.close()


def test_one_that_waits_for_its_slot_is_held_back_at_once(team: Team) -> None:
    first, ahead = team.claim(ahead=False), team.claim(ahead=True)
    assert team.begun() == first
    assert team.slots.held_back() == []
    team.may_begin = False
    assert team.slots.held_back() == [ahead]
    assert set(team.slots.under_way) == {first, ahead}, "its lease is renewed"
    team.slots.drop([ahead])
    assert team.slots.under_way == [first]
    assert team.slots.held_back() == []
    team.end_one()
    assert team.slots.free == 1


def test_one_whose_slot_is_free_is_held_back_and_told(team: Team) -> None:
    team.claim(ahead=False)
    team.begun()
    ahead = team.claim(ahead=True)
    team.may_begin = False
    team.end_one()
    assert team.held.acquire(timeout=10)
    assert team.slots.held_back() == [ahead]


def test_one_that_was_claimed_for_a_slot_begins_all_the_same(team: Team) -> None:
    """A probe of an upstream that is shut, for one."""
    team.may_begin = False
    probe = team.claim(ahead=False)
    assert team.begun() == probe
    second = team.claim(ahead=False)
    assert team.slots.held_back() == []
    team.end_one()
    assert team.begun() == second


def test_one_that_may_begin_begins(team: Team) -> None:
    team.claim(ahead=False)
    team.begun()
    ahead = team.claim(ahead=True)
    team.end_one()
    assert team.begun() == ahead
    team.may_begin = False
    assert team.slots.held_back() == []
