"""A database that does not take outcomes holds up neither the loop nor those that it would take."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from storyboard_worker.attempts import one_at_a_time
from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Worked
from storyboard_worker.attempts.policy import Fail
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.errors import AttemptError, DatabaseUnavailable, DataRefused, ErrorCode
from storyboard_worker.queries.ends import ClaimEnd
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.reading import Settings
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.storyboard import Claim, StoredImage
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.worker.shift import Shift, Team
from tests.support.attempts import new_claim, new_image, source_error
from tests.support.clock import Clock

ATTEMPT_SECONDS = 60.0
WAIT_SECONDS = 15.0
# What has been waited, for the code that measures it.
waited = Clock()


@dataclass
class SlowQueue:
    """Refuses ends that come together. Each of ``locked`` claims waits in vain."""

    locked: Sequence[Claim]
    asked: list[Claim] = field(default_factory=list)

    def list_unshown(self) -> None:
        """No picture is without a row."""

    def end_all(self, ends: Sequence[ClaimEnd]) -> tuple[list[None], list[Claim]]:
        if len(ends) > 1:
            raise DataRefused("no")
        [(claim, _)] = ends
        self.asked.append(claim)
        if claim in self.locked:
            waited.now += WAIT_SECONDS
            raise DatabaseUnavailable("no answer")
        return [None], []


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_at_a_time, "MOST_SECONDS_IN_VAIN", 1.5 * WAIT_SECONDS)
    monkeypatch.setattr(one_at_a_time, "time", SimpleNamespace(monotonic=waited))


@pytest.fixture
def works(clock: Clock) -> list[Worked]:
    error = source_error(ErrorCode.SOURCE_NOT_FOUND)
    return [worked(clock, error) for _ in range(8)]


def worked(clock: Clock, result: AttemptError | StoredImage) -> Worked:
    attempt = Attempt(new_claim(), Deadline(ATTEMPT_SECONDS, clock))
    attempt.begin()
    return Worked(attempt, result, Fail() if isinstance(result, AttemptError) else None)


def attempts_with(queue: SlowQueue) -> Attempts:
    part: Any = queue
    reporter = Reporter(SentrySettings(), Redactor(), worker_id="worker-1")
    return Attempts(part, part, Breakers(), reporter, Restraint(2), on_lack=lambda _: None)


def test_each_is_over_before_the_next_is_tried(works: list[Worked]) -> None:
    """Else the keeper takes rows that are written for lost, while the next one waits."""
    queue = SlowQueue([])
    asked: list[int] = []
    attempts_with(queue).settle(works[:3], on_ended=lambda _: asked.append(len(queue.asked)))
    assert asked == [1, 2, 3]


def test_the_loop_shows_progress_before_each_message(clock: Clock) -> None:
    """Each may take as long as the database may be silent."""
    image, failure = worked(clock, new_image()), worked(clock, source_error())
    queue = SlowQueue(claims_of([image, failure]))
    asked: list[int] = []
    part: Any = queue
    attempts = attempts_with(queue)
    team = Team(part, attempts, Breakers(), attempts.restraint)
    settings = Settings("", None, SentrySettings())
    shift = Shift(team, settings, wake=lambda: None, moves=lambda: asked.append(len(queue.asked)))
    for work in (failure, image):
        shift._worked(work)
    assert shift.settle() == []
    assert asked == [0, 0, 1]
    assert len(queue.asked) == 2


def claims_of(works: Sequence[Worked]) -> list[Claim]:
    return [work.claim for work in works]


def test_it_is_not_waited_for_each_of_many(works: list[Worked]) -> None:
    queue = SlowQueue(claims_of(works))
    settled = attempts_with(queue).settle(works)
    assert len(queue.asked) == 2
    assert set(claims_of(settled.waiting)) == set(claims_of(works))


def test_nor_for_each_of_many_images(clock: Clock) -> None:
    images = [worked(clock, new_image()) for _ in range(8)]
    queue = SlowQueue(claims_of(images))
    settled = attempts_with(queue).settle(images)
    assert len(queue.asked) == 2
    assert len(settled.waiting) == 8


def test_those_that_were_not_tried_are_not_taken_to_hang(
    works: list[Worked], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog would end the worker."""
    monkeypatch.setattr(one_at_a_time, "MOST_SECONDS_IN_VAIN", 0.0)
    clock.now += ATTEMPT_SECONDS - 1
    settled = attempts_with(SlowQueue(claims_of(works))).settle(works)
    clock.now += 2
    assert not any(work.attempt.deadline.overdue for work in settled.waiting)


def test_they_are_tried_before_those_that_may_hold_them_up_again(works: list[Worked]) -> None:
    attempts = attempts_with(SlowQueue(claims_of(works[:2])))
    first = attempts.settle(works)
    assert first.ended == []
    second = attempts.settle(first.waiting)
    assert {ended.claim for ended in second.ended} == set(claims_of(works[2:]))
