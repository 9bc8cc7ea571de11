"""An image that is stored, and that the database refuses."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Outcome, Worked
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.errors import DataRefused
from storyboard_worker.queries.ends import ClaimEnd
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.reporting.traces import TraceContext
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.storyboard import Claim, StoredImage
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.wire.deadline import Deadline
from tests.support.attempts import new_claim, new_image


@dataclass
class Queue:
    retried: list[Claim] = field(default_factory=list)

    def list_unshown(self) -> None:
        """No picture is without a row."""

    def end_all(self, ends: Sequence[ClaimEnd]) -> tuple[list[None], list[Claim]]:
        [(claim, end)] = ends
        if isinstance(end, StoredImage):
            raise DataRefused("no")
        self.retried.append(claim)
        return [None], []


def test_its_event_belongs_to_the_trace_of_its_attempt(
    breakers: Breakers, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces: list[TraceContext | None] = []

    def row_failed(*_: object, trace: TraceContext | None = None) -> None:
        traces.append(trace)

    reporter = Reporter(SentrySettings(), Redactor(), worker_id="worker-1")
    monkeypatch.setattr(reporter, "row_failed", row_failed)
    queue: Any = Queue()
    restraint = Restraint(2)
    attempts = Attempts(queue, queue, breakers, reporter, restraint, on_lack=lambda _: None)
    work = Worked(Attempt(new_claim(), Deadline(60)), new_image(), trace={"trace_id": "1"})
    [ended] = attempts.settle([work]).ended
    assert ended.outcome is Outcome.RETRIED
    assert queue.retried == [work.claim]
    assert traces == [{"trace_id": "1"}]
