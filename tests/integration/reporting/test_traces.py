"""Each attempt has a scope of its own and, where asked for, a transaction."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.database import Database
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.logs import log
from storyboard_worker.timings import Timings
from tests.support.attempting import Bench, new_bench
from tests.support.producing import change, moment
from tests.support.sentry_reports import reporting_to
from tests.support.sentry_server import SentryServer
from tests.support.stage import new_stage

IMAGE = random_image(5_000, "JPEG", seed=2)
TRACE_ID = "771a43a4192642f0b136d5159a501700"


@pytest.fixture
def traced(
    sentry: SentryServer, database: Database, producer: psycopg.Connection
) -> Iterator[Bench]:
    with reporting_to(sentry, traces_sample_rate=1) as reporter, new_stage() as stage:
        yield new_bench(stage, database, producer, reporter)


@pytest.fixture
def untraced(
    sentry: SentryServer, database: Database, producer: psycopg.Connection
) -> Iterator[Bench]:
    with reporting_to(sentry) as reporter, new_stage() as stage:
        yield new_bench(stage, database, producer, reporter)


def test_an_attempt_continues_the_producers_trace(traced: Bench, sentry: SentryServer) -> None:
    claim = traced.claim(
        traced.stage.serve(IMAGE),
        sentry_trace=f"{TRACE_ID}-b0e6f15b45c36b12-1",
        baggage=f"sentry-trace_id={TRACE_ID},sentry-sample_rate=1",
    )
    assert traced.run(claim).outcome is Outcome.READY
    traced.reporter.close()
    (transaction,) = sentry.transactions
    trace = transaction["contexts"]["trace"]
    assert (trace["trace_id"], trace["parent_span_id"]) == (TRACE_ID, "b0e6f15b45c36b12")
    assert trace["op"] == "function"


def spans(transaction: dict[str, Any], op: str) -> list[dict[str, Any]]:
    return [span for span in transaction["spans"] if span["op"] == op]


def test_the_span_has_what_the_queues_view_shows(traced: Bench, sentry: SentryServer) -> None:
    claim = traced.claim(traced.stage.serve(IMAGE))
    change(traced.producer, claim.id, status="pending", available_at=moment(traced.producer, -7))
    claim = traced.claim_again(claim.id)
    assert traced.run(claim).outcome is Outcome.READY
    traced.reporter.close()
    (transaction,) = sentry.transactions
    (process,) = spans(transaction, "queue.process")
    latency = process["data"].pop("messaging.message.receive.latency")
    assert 7_000 <= latency < 60_000
    told = {name: value for name, value in process["data"].items() if "messaging" in name}
    assert told == {
        "messaging.system": "postgresql",
        "messaging.destination.name": "storyboards",
        "messaging.message.id": str(claim.id),
        "messaging.message.retry.count": 0,
        "messaging.message.body.size": len(IMAGE),
    }
    assert process["status"] == "ok"
    assert transaction["contexts"]["trace"]["status"] == "ok"


def test_source_and_storage_are_spans_below_it(traced: Bench, sentry: SentryServer) -> None:
    claim = traced.claim(traced.stage.serve(IMAGE))
    traced.run(claim)
    traced.reporter.close()
    (transaction,) = sentry.transactions
    (process,) = spans(transaction, "queue.process")
    source, storage = spans(transaction, "http.client")
    assert (source["description"], storage["description"]) == (
        "source 127.0.0.1",
        "storage cloudinary",
    )
    assert {source["parent_span_id"], storage["parent_span_id"]} == {process["span_id"]}
    moments = [
        process["start_timestamp"],
        source["start_timestamp"],
        storage["start_timestamp"],
        storage["timestamp"],
        process["timestamp"],
    ]
    assert moments == sorted(moments)
    assert source["timestamp"] <= storage["timestamp"]


def test_an_attempt_that_fails_is_a_span_that_failed(traced: Bench, sentry: SentryServer) -> None:
    traced.run(traced.claim(traced.stage.serve(IMAGE, [Answer(410)])))
    traced.reporter.close()
    (transaction,) = sentry.transactions
    (process,) = spans(transaction, "queue.process")
    assert process["status"] == "internal_error"
    assert process["data"]["storyboard.error_code"] == "source_not_found"
    assert transaction["contexts"]["trace"]["status"] == "internal_error"
    (source,) = spans(transaction, "http.client")
    assert source["description"] == "source 127.0.0.1"


def test_its_event_belongs_to_its_trace(traced: Bench, sentry: SentryServer) -> None:
    """Though it is sent by the thread that writes the outcome."""
    traced.run(traced.claim(traced.stage.serve(IMAGE, [Answer(410)])))
    traced.reporter.close()
    [event] = sentry.events
    [transaction] = sentry.transactions
    assert event["contexts"]["trace"]["trace_id"] == transaction["contexts"]["trace"]["trace_id"]


def test_what_is_published_is_continued(traced: Bench, sentry: SentryServer) -> None:
    url = traced.stage.serve(IMAGE)
    with traced.reporter.publishing(1) as trace:
        claim = traced.claim(url, sentry_trace=trace.sentry_trace, baggage=trace.baggage)
    assert traced.run(claim).outcome is Outcome.READY
    traced.reporter.close()
    published, processed = sentry.transactions
    (publish,) = spans(published, "queue.publish")
    assert publish["data"]["messaging.destination.name"] == "storyboards"
    trace_of = processed["contexts"]["trace"]
    assert trace_of["trace_id"] == published["contexts"]["trace"]["trace_id"]
    assert trace_of["parent_span_id"] == publish["span_id"]


def test_without_a_sample_rate_nothing_is_published(untraced: Bench, sentry: SentryServer) -> None:
    with untraced.reporter.publishing(1) as trace:
        assert (trace.sentry_trace, trace.baggage) == (None, None)
    untraced.reporter.close()
    assert sentry.transactions == []


@pytest.mark.parametrize("rate", ["1e400", "inf", "nan", "-1"])
def test_an_impossible_sample_rate_does_not_matter(
    traced: Bench, sentry: SentryServer, rate: str
) -> None:
    claim = traced.claim(
        traced.stage.serve(IMAGE),
        sentry_trace=f"{TRACE_ID}-b0e6f15b45c36b12-1",
        baggage=f"sentry-trace_id={TRACE_ID},sentry-sample_rate={rate}",
    )
    assert traced.run(claim).outcome is Outcome.READY


@pytest.mark.parametrize("nonsense", ["", "not a trace", "1-2-3-4"])
def test_nonsense_in_the_trace_columns_does_not_matter(
    traced: Bench, sentry: SentryServer, nonsense: str
) -> None:
    claim = traced.claim(traced.stage.serve(IMAGE), sentry_trace=nonsense, baggage=nonsense)
    assert traced.run(claim).outcome is Outcome.READY
    traced.reporter.close()
    assert len(sentry.transactions) == 1


def test_without_a_sample_rate_there_are_no_transactions(
    untraced: Bench, sentry: SentryServer
) -> None:
    claim = untraced.claim(untraced.stage.serve(IMAGE, [Answer(410)]))
    untraced.run(claim)
    untraced.reporter.close()
    assert (len(sentry.events), sentry.transactions) == (1, [])


def test_breadcrumbs_of_one_attempt_are_not_in_the_next(
    untraced: Bench, sentry: SentryServer
) -> None:
    for name in ("first", "second"):
        claim = untraced.claim(untraced.stage.serve(IMAGE))
        with untraced.reporter.attempt(claim, Timings()):
            log.warning("crumb of the %s", name)
            untraced.reporter.alarm(name, name, next_step="none")
    untraced.reporter.close()
    first, second = (
        [crumb["message"] for crumb in event["breadcrumbs"]["values"]] for event in sentry.events
    )
    assert "crumb of the first" in first
    assert "crumb of the first" not in second
    assert "crumb of the second" in second


def test_a_crash_outside_of_attempts_is_reported_with_its_stack(
    untraced: Bench, sentry: SentryServer
) -> None:
    try:
        int("no number")
    except ValueError as error:
        untraced.reporter.crashed(error)
    untraced.reporter.close()
    (event,) = sentry.events
    assert event["level"] == "fatal"
    assert event["exception"]["values"][0]["stacktrace"]["frames"]


@pytest.mark.parametrize(
    "columns",
    [
        # The SDK reads it in a time that grows with the square of the blanks.
        {"sentry_trace": f"{TRACE_ID}-b0e6f15b45c36b12-1{' ' * 300}"},
        {"sentry_trace": f"{TRACE_ID}-b0e6f15b45c36b12-1", "baggage": "a=b," * 5_000},
    ],
)
def test_trace_headers_that_are_too_long_are_left_out(
    traced: Bench, sentry: SentryServer, columns: dict[str, str]
) -> None:
    claim = traced.claim(traced.stage.serve(IMAGE), **columns)
    assert traced.run(claim).outcome is Outcome.READY
    traced.reporter.close()
    (transaction,) = sentry.transactions
    assert transaction["contexts"]["trace"]["trace_id"] != TRACE_ID
