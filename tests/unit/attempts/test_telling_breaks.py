"""What tells of attempts may break. The outcomes are written and their slots free all the same."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended, Outcome, Worked
from storyboard_worker.attempts.policy import Fail
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.errors import ErrorCode
from storyboard_worker.queries.ends import ClaimEnd, ErrorEnd
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
from tests.support.waiting import eventually


@dataclass
class Parts:
    """A queue that writes all it is given, and a transfer that always succeeds."""

    failed: list[Claim] = field(default_factory=list)

    def copy(self, _attempt: Attempt) -> StoredImage:
        return new_image()

    def begin(self, _claim: Claim, _deadline: Deadline) -> None:
        """No connection is idle."""

    def list_unshown(self) -> None:
        """No picture is without a row."""

    def end_all(
        self, ends: Sequence[ClaimEnd], *, claim: int = 0
    ) -> tuple[list[None], list[Claim]]:
        assert claim == 0
        self.failed += [ended for ended, end in ends if isinstance(end, ErrorEnd)]
        return [None for _ in ends], []


def breaks(*_: object, **_others: object) -> NoReturn:
    raise LookupError


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def reporter() -> Reporter:
    return Reporter(SentrySettings(), Redactor(), worker_id="worker-1")


@pytest.fixture
def attempts(parts: Parts, breakers: Breakers, reporter: Reporter) -> Attempts:
    part: Any = parts
    restraint = Restraint(2)
    return Attempts(part, part, breakers, reporter, restraint, on_lack=breaks)


def failed() -> Worked:
    attempt = Attempt(new_claim(), Deadline(60))
    return Worked(attempt, source_error(ErrorCode.SOURCE_NOT_FOUND), Fail())


def test_a_report_of_a_failure(
    attempts: Attempts, parts: Parts, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "row_failed", breaks)
    works = [failed(), failed()]
    settled = attempts.settle(works)
    assert [ended.outcome for ended in settled.ended] == [Outcome.FAILED] * 2
    assert parts.failed == [work.claim for work in works]


def test_nothing_is_told_before_all_of_one_message_are_over(
    attempts: Attempts, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the keeper takes rows that are written for lost, while another one is told."""
    over: list[Ended] = []
    over_when_told: list[int] = []
    monkeypatch.setattr(reporter, "row_failed", lambda *_, **__: over_when_told.append(len(over)))
    attempts.settle([failed(), failed()], on_ended=over.append)
    assert over_when_told == [2, 2]


def test_the_news(attempts: Attempts, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "tell_news", breaks)
    assert len(attempts.settle([failed()]).ended) == len(parts.failed) == 1


class BrokenTrace:
    context = None
    ended = breaks


def test_the_trace_of_an_attempt(
    attempts: Attempts, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def traced(*_: object) -> Iterator[BrokenTrace]:
        yield BrokenTrace()

    monkeypatch.setattr(reporter, "attempt", traced)
    monkeypatch.setattr(reporter, "crashed", breaks)
    worked = attempts.work(Attempt(new_claim(), Deadline(60)))
    assert worked.outcome is Outcome.READY


def test_the_start_of_the_trace_and_its_report(
    attempts: Attempts, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot lives on."""
    monkeypatch.setattr(reporter, "attempt", breaks)
    monkeypatch.setattr(reporter, "crashed", breaks)
    worked = attempts.work(Attempt(new_claim(), Deadline(60)))
    assert worked.outcome is Outcome.UNSETTLED


def test_the_count_of_attempts(attempts: Attempts, parts: Parts, breakers: Breakers) -> None:
    part: Any = parts
    settings = Settings("", None, SentrySettings(), worker_concurrency=1)
    team = Team(part, attempts, breakers, attempts.restraint, on_ended=breaks)
    shift = Shift(team, settings, wake=lambda: None)
    assert shift.slots.take() == 1
    shift.slots.start(new_claim())
    assert len(eventually(shift.settle)) == 1
    shift.slots.close()
    assert (shift.slots.free, shift.slots.tally) == (1, {Outcome.READY: 1})


def test_a_request_in_advance(
    attempts: Attempts, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt does without it."""
    monkeypatch.setattr(parts, "begin", breaks)
    assert attempts.begin(new_claim(), Deadline(60)) is None
