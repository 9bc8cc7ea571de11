"""Pauses of an upstream, and rows in an outage: what is told of them, and when."""

import time

import pytest

from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.demo.faults import Answer, SourceFault
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.storyboard import Claim
from tests.integration.reporting.sent_events import events, only_event
from tests.support.attempting import Bench
from tests.support.sentry_server import SentryServer

IMAGE = random_image(5_000, "JPEG", seed=2)


def open_a_breaker(bench: Bench, faults: list[SourceFault]) -> list[Claim]:
    """Five rows find their source down, and two more wait."""
    url = bench.stage.serve(IMAGE, faults)
    claims = [bench.claim(url) for _ in range(7)]
    for claim in claims[:5]:
        assert bench.run(claim).outcome is Outcome.RETRIED
    return claims[5:]


def let_pass(bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Time passes for the breakers. Then the keeper looks for news."""
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


def test_a_pause_names_the_errors_that_led_to_it(
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


def test_a_row_that_sits_out_an_outage_is_told_once_at_its_eighth_attempt(
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


def test_refused_credentials_are_told_at_once(bench: Bench, sentry: SentryServer) -> None:
    bench.stage.cloudinary.api_secret = "another"
    claim = bench.claim(bench.stage.serve(IMAGE))
    assert bench.run(claim).outcome is Outcome.RELEASED
    event = only_event(bench, sentry)
    assert event["message"] == "Cloudinary refuses our credentials: cloudinary"
    assert "storyboard-worker doctor" in event["contexts"]["pause"]["next_step"]
