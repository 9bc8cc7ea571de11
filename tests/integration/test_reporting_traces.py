"""Each attempt in a scope of its own, and, where asked for, as a transaction."""

from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.attempt import Outcome
from storyboard_worker.database import Database
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.logs import log
from tests.integration.attempting import Bench, new_bench
from tests.integration.errors.stage import new_stage
from tests.integration.reporting import reporting_to
from tests.integration.sentry_server import SentryServer

IMAGE = random_image(5_000, "JPEG", seed=2)
TRACE_ID = "771a43a4192642f0b136d5159a501700"


@pytest.fixture
def dsn(emptied_dsn: str) -> str:
    return emptied_dsn


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
    assert trace["op"] == "queue.process"


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
    claim = untraced.claim(untraced.stage.serve(IMAGE, [Answer(404)]))
    untraced.run(claim)
    untraced.reporter.close()
    assert (len(sentry.events), sentry.transactions) == (1, [])


def test_breadcrumbs_of_one_attempt_do_not_stand_in_the_next(
    untraced: Bench, sentry: SentryServer
) -> None:
    for name in ("first", "second"):
        with untraced.reporter.attempt(untraced.claim(untraced.stage.serve(IMAGE))):
            log.warning("crumb of the %s", name)
            untraced.reporter.alarm(name, name)
    untraced.reporter.close()
    first, second = (
        [crumb["message"] for crumb in event["breadcrumbs"]["values"]] for event in sentry.events
    )
    assert "crumb of the first" in first
    assert "crumb of the first" not in second
    assert "crumb of the second" in second


def test_a_crash_outside_of_attempts_is_told_with_its_stack(
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
