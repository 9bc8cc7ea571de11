"""What reaches Sentry, and what does not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from storyboard_worker.attempts.runner import Outcome
from storyboard_worker.database import Database
from storyboard_worker.demo.faults import Answer, CutFile, SourceFault
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.errors import CommitInDoubt
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.storyboard import Claim
from storyboard_worker.transfer import copying as transfer
from tests.integration.transfer.stage import new_stage
from tests.support.attempting import Bench, new_bench
from tests.support.producing import change
from tests.support.sentry_reports import WORKER_ID, reporting_to
from tests.support.sentry_server import SentryServer

IMAGE = random_image(5_000, "JPEG", seed=2)


@pytest.fixture
def dsn(emptied_dsn: str) -> str:
    return emptied_dsn


@pytest.fixture
def bench(
    sentry: SentryServer, database: Database, producer: psycopg.Connection
) -> Iterator[Bench]:
    with reporting_to(sentry) as reporter, new_stage() as stage:
        yield new_bench(stage, database, producer, reporter)


def events(bench: Bench, sentry: SentryServer) -> list[dict[str, Any]]:
    """All that was sent."""
    bench.reporter.close()
    return sentry.events


def only_event(bench: Bench, sentry: SentryServer) -> dict[str, Any]:
    found = events(bench, sentry)
    assert len(found) == 1
    return found[0]


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


def test_a_failure_whose_commit_was_answered_too_late_is_still_reported(
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


def open_a_breaker(bench: Bench, faults: list[SourceFault]) -> list[Claim]:
    """Five rows find their source down, and two more wait."""
    url = bench.stage.serve(IMAGE, faults)
    claims = [bench.claim(url) for _ in range(7)]
    for claim in claims[:5]:
        assert bench.run(claim).outcome is Outcome.RETRIED
    return claims[5:]


def let_pass(bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Lets time pass for the breakers; then the keeper looks for news."""
    monkeypatch.setattr(bench.breakers, "_clock", lambda: time.monotonic() + seconds)
    bench.attempts().tell_news()


def test_a_short_pause_is_no_event(
    bench: Bench, sentry: SentryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = open_a_breaker(bench, [Answer(502)] * 5)
    let_pass(bench, monkeypatch, 50)
    for claim in waiting:
        assert bench.run(claim).outcome is Outcome.READY
    assert events(bench, sentry) == []


def test_a_pause_that_has_lasted_a_minute_is_one_event(
    bench: Bench, sentry: SentryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = open_a_breaker(bench, [Answer(502, always=True)])
    for seconds in (59, 61, 65):
        let_pass(bench, monkeypatch, seconds)
    for claim in waiting:
        assert bench.run(claim).outcome is Outcome.RETRIED
    event = only_event(bench, sentry)
    assert event["level"] == "warning"
    assert event["fingerprint"] == ["storyboard-worker", "source_unavailable", "127.0.0.1"]
    assert event["contexts"]["pause"]["seconds"] == pytest.approx(61, abs=10)
    assert "storyboard_id" not in event["tags"]


def test_the_end_of_such_a_pause_is_one_event_and_recalls_its_rows(
    bench: Bench, sentry: SentryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = open_a_breaker(bench, [Answer(502)] * 5)
    bench.producer.execute(
        "UPDATE storyboards SET available_at = now() + interval '1 hour' WHERE attempts = 1 "
        "AND status = 'pending'"
    )
    let_pass(bench, monkeypatch, 61)
    for claim in waiting:
        assert bench.run(claim).outcome is Outcome.READY
    begin, end = events(bench, sentry)
    assert (begin["level"], end["level"]) == ("warning", "info")
    assert begin["fingerprint"] == end["fingerprint"]
    assert end["message"].startswith("The source is unavailable: 127.0.0.1 (over after ")
    due = bench.producer.execute(
        "SELECT count(*) FROM storyboards WHERE status = 'pending' AND available_at <= now()"
    )
    assert due.fetchone() == (5,)


def test_the_event_of_a_pause_has_the_errors_before_it(
    bench: Bench, sentry: SentryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_a_breaker(bench, [Answer(502, always=True)])
    let_pass(bench, monkeypatch, 61)
    told = only_event(bench, sentry)["breadcrumbs"]["values"]
    crumbs = [crumb for crumb in told if crumb["category"] == "attempt"]
    assert len({crumb["data"]["storyboard_id"] for crumb in crumbs}) == 5
    assert crumbs[0]["message"] == "source_unavailable: the source answers 502"
    assert crumbs[0]["data"]["outcome"] == "retried"


@pytest.mark.parametrize("asked_seconds", ["1", "30"])
def test_a_short_rate_limit_is_no_event(
    bench: Bench, sentry: SentryServer, asked_seconds: str
) -> None:
    fault = Answer(429, headers={"Retry-After": asked_seconds})
    claim = bench.claim(bench.stage.serve(IMAGE, [fault]))
    assert bench.run(claim).outcome is Outcome.RELEASED
    assert bench.run(bench.claim_again(claim.id)).outcome is Outcome.READY
    assert events(bench, sentry) == []


def test_a_row_in_an_outage_is_reported_once_at_its_eighth_attempt(
    bench: Bench, sentry: SentryServer
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(503, always=True)]))
    outcomes = [bench.run(claim).outcome]
    outcomes += [bench.run(bench.claim_again(claim.id)).outcome for _ in range(10)]
    assert set(outcomes) == {Outcome.RETRIED}
    event = only_event(bench, sentry)
    assert (event["level"], event["tags"]["attempt"]) == ("warning", "8")
    assert event["fingerprint"] == ["storyboard-worker", "source_unavailable", "127.0.0.1"]
    assert event["tags"]["storyboard_id"] == str(claim.id)
    assert "show" in event["contexts"]["storyboard"]["next_step"]


@pytest.mark.parametrize("fault", [CutFile(4_000, always=True), Answer(403, always=True)])
def test_other_errors_are_reported_when_they_end_the_row(
    bench: Bench, sentry: SentryServer, fault: SourceFault
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [fault]), attempts=7)
    assert bench.run(claim).outcome is Outcome.RETRIED
    assert events(bench, sentry) == []


def test_of_many_failures_the_first_few_are_reported_and_the_others_counted(
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


def test_refused_credentials_are_reported_at_once(bench: Bench, sentry: SentryServer) -> None:
    bench.stage.cloudinary.api_secret = "another"
    claim = bench.claim(bench.stage.serve(IMAGE))
    assert bench.run(claim).outcome is Outcome.RELEASED
    event = only_event(bench, sentry)
    assert event["message"] == "Cloudinary refuses our credentials: cloudinary"
    assert "storyboard-worker doctor" in event["contexts"]["pause"]["next_step"]


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
