"""Which events reach Sentry, and which do not."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Connection

from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.database import Database
from storyboard_worker.demo.faults import Answer, CutFile, SourceFault
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.errors import CommitInDoubt
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.transfer import copying as transfer
from tests.integration.reporting.sent_events import events, only_event
from tests.support.attempting import Bench, new_bench
from tests.support.producing import change
from tests.support.sentry_reports import WORKER_ID
from tests.support.sentry_server import SentryServer
from tests.support.stage import new_stage

IMAGE = random_image(5_000, "JPEG", seed=2)


def test_a_final_failure_is_one_event(bench: Bench, sentry: SentryServer) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(410)]), project_id="project-7")
    assert bench.run(claim).outcome is Outcome.FAILED
    event = only_event(bench, sentry)
    assert event["level"] == "error"
    assert event["message"] == "The source has no such image: 127.0.0.1"
    assert event["fingerprint"] == ["storyboard-worker", "source_not_found", "127.0.0.1"]
    assert event["tags"] == {
        "error_code": "source_not_found",
        "upstream": "127.0.0.1",
        "storyboard_id": str(claim.id),
        "project_id": "project-7",
        "attempt": "1",
        "worker_id": WORKER_ID,
    }
    assert (event["environment"], event["release"]) == ("testing", "v1")


def test_the_row_names_its_event(bench: Bench, sentry: SentryServer) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(410)]))
    bench.run(claim)
    assert bench.row(claim)["sentry_event_id"] == only_event(bench, sentry)["event_id"]


def test_the_event_says_what_an_engineer_needs(bench: Bench, sentry: SentryServer) -> None:
    url = bench.stage.serve(IMAGE, [Answer(410)])
    claim = bench.claim(url)
    bench.run(claim)
    context = only_event(bench, sentry)["contexts"]["storyboard"]
    assert context["source"] == url.partition("?")[0]
    assert context["http_status"] == 410
    assert context["error"] == "the source answers 410"
    assert context["next_step"] == (
        f"storyboard-worker show {claim.id}; generate the images again: "
        "storyboard-worker list --error-code source_not_found"
    )


def test_an_error_of_storage_has_cloudinary_as_its_upstream(
    bench: Bench, sentry: SentryServer
) -> None:
    bench.stage.cloudinary.misbehave(Answer(400, {"error": {"message": "Invalid image file"}}))
    claim = bench.claim(bench.stage.serve(IMAGE))
    bench.run(claim)
    event = only_event(bench, sentry)
    assert event["fingerprint"] == ["storyboard-worker", "storage_rejected", "cloudinary"]
    assert event["tags"]["upstream"] == "cloudinary"
    assert event["contexts"]["storyboard"]["request_id"]


def test_transient_errors_are_no_events_until_the_last(bench: Bench, sentry: SentryServer) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [CutFile(4_000, always=True)]), max_attempts=3)
    outcomes = [bench.run(claim).outcome]
    outcomes.append(bench.run(bench.claim_again(claim.id)).outcome)
    assert outcomes == [Outcome.RETRIED, Outcome.RETRIED]
    assert events(bench, sentry) == []
    assert bench.run(bench.claim_again(claim.id)).outcome is Outcome.FAILED
    assert only_event(bench, sentry)["tags"]["attempt"] == "3"


def test_a_failure_whose_commit_was_answered_too_late_is_still_told(
    bench: Bench, sentry: SentryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(410)]))
    database = bench.queue._database
    transaction = database.transaction
    lost = iter([CommitInDoubt("the answer was lost")])

    @contextmanager
    def commit_and_lose_the_answer() -> Iterator[Connection]:
        with transaction() as connection:
            yield connection
        for error in lost:
            raise error

    monkeypatch.setattr(database, "transaction", commit_and_lose_the_answer)
    assert bench.run(claim).outcome is Outcome.FAILED
    event = only_event(bench, sentry)
    assert bench.row(claim)["sentry_event_id"] == event["event_id"]


def test_success_is_no_event(bench: Bench, sentry: SentryServer) -> None:
    bench.run(bench.claim(bench.stage.serve(IMAGE)))
    assert events(bench, sentry) == []


def test_a_lost_lease_is_no_event(bench: Bench, sentry: SentryServer) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(410)]))
    change(bench.producer, claim.id, status="pending")
    assert bench.run(claim).outcome is Outcome.LEASE_LOST
    assert events(bench, sentry) == []
    assert bench.row(claim)["sentry_event_id"] is None


def test_an_unexpected_error_is_an_event_with_its_stack(
    bench: Bench, sentry: SentryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(head: bytes) -> None:
        local_variable_of_the_function = head
        raise ZeroDivisionError(len(local_variable_of_the_function))

    monkeypatch.setattr(transfer, "recognise", broken)
    claim = bench.claim(bench.stage.serve(IMAGE))
    assert bench.run(claim).outcome is Outcome.RETRIED
    event = only_event(bench, sentry)
    assert event["tags"]["error_code"] == "unexpected"
    assert bench.row(claim)["sentry_event_id"] == event["event_id"]
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "ZeroDivisionError"
    frames = exception["stacktrace"]["frames"]
    assert frames[-1]["function"] == "broken"
    assert all("vars" not in frame for frame in frames)


@pytest.mark.parametrize("fault", [CutFile(4_000, always=True), Answer(403, always=True)])
def test_other_errors_are_reported_when_they_end_the_row(
    bench: Bench, sentry: SentryServer, fault: SourceFault
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [fault]), attempts=7)
    assert bench.run(claim).outcome is Outcome.RETRIED
    assert events(bench, sentry) == []


def test_the_first_of_many_failures_are_told_and_the_others_counted(
    bench: Bench, sentry: SentryServer
) -> None:
    url = bench.stage.serve(IMAGE, [Answer(410, always=True)])
    claims = [bench.claim(url) for _ in range(40)]
    for claim in claims:
        bench.run(claim)
    *full, summary = events(bench, sentry)
    assert [event["tags"]["storyboard_id"] for event in full] == [
        str(claim.id) for claim in claims[:3]
    ]
    assert summary["message"] == "The source has no such image: 127.0.0.1 (37 more rows)"
    assert {tuple(event["fingerprint"]) for event in (*full, summary)} == {
        ("storyboard-worker", "source_not_found", "127.0.0.1")
    }
    assert summary["contexts"]["storyboard"]["count"] == 37
    assert len(summary["contexts"]["storyboard"]["ids"]) == 20
    named = [bench.row(claim)["sentry_event_id"] for claim in claims]
    assert named == [event["event_id"] for event in full] + [summary["event_id"]] * 37


def test_an_alarm_carries_its_facts(bench: Bench, sentry: SentryServer) -> None:
    bench.reporter.alarm(
        "no-worker", "Rows wait and no worker is alive", next_step="look", waiting=7
    )
    event = only_event(bench, sentry)
    assert (event["level"], event["fingerprint"][1:]) == ("fatal", ["alarm", "no-worker"])
    assert event["contexts"]["alarm"]["waiting"] == "7"


def test_without_a_dsn_nothing_is_sent_and_no_id_is_reserved(
    database: Database, producer: psycopg.Connection, sentry: SentryServer
) -> None:
    silent = Reporter(SentrySettings(), Redactor(), worker_id=WORKER_ID)
    with new_stage() as stage:
        bench = new_bench(stage, database, producer, silent)
        claim = bench.claim(stage.serve(IMAGE, [Answer(410)]))
        assert bench.run(claim).outcome is Outcome.FAILED
        silent.alarm("x", "y", next_step="z")
        assert events(bench, sentry) == []
    assert bench.row(claim)["sentry_event_id"] is None
