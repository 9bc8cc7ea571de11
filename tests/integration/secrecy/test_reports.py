"""Reports on errors and on libraries contain no secret."""

import io
import logging

import pytest
import sentry_sdk

from storyboard_worker.demo.faults import Answer
from storyboard_worker.timings import Timings
from storyboard_worker.transfer import copying as transfer
from tests.integration.secrecy.leaks import DATABASE_PASSWORD, IMAGE, assert_nothing_leaked
from tests.support.attempting import Bench
from tests.support.sentry_server import SentryServer


def test_a_wrong_secret_does_not_leak(
    bench: Bench, sentry: SentryServer, logged: io.StringIO
) -> None:
    url = bench.stage.serve(IMAGE)
    right, bench.stage.cloudinary.api_secret = bench.stage.cloudinary.api_secret, "another"
    bench.run(bench.claim(url))
    bench.stage.cloudinary.api_secret = right
    assert_nothing_leaked(bench, sentry, logged, url)


def test_an_unexpected_exception_that_holds_everything_does_not_leak(
    bench: Bench, sentry: SentryServer, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = bench.stage.serve(IMAGE)
    telling = f"{url} {bench.stage.cloudinary.api_secret} {DATABASE_PASSWORD}"

    def broken(_head: bytes) -> None:
        local = telling
        try:
            int(local)
        except ValueError as error:
            raise RuntimeError(f"broken by {local}") from error

    monkeypatch.setattr(transfer, "recognise", broken)
    bench.run(bench.claim(url))
    assert_nothing_leaked(bench, sentry, logged, url)
    (*_, exception) = sentry.events[0]["exception"]["values"]
    assert "broken by http://127.0.0.1" in exception["value"]


def test_log_records_of_libraries_do_not_leak_as_breadcrumbs(
    bench: Bench, sentry: SentryServer, logged: io.StringIO
) -> None:
    url = bench.stage.serve(IMAGE, [Answer(410)])
    telling = f"GET {url} with {bench.stage.cloudinary.api_secret}"
    logging.getLogger("some.library").warning("%s", telling)
    logging.getLogger("httpx").info("HTTP Request: %s", telling, extra={"dsn": DATABASE_PASSWORD})
    bench.run(bench.claim(url))
    assert_nothing_leaked(bench, sentry, logged, url)
    crumbs = sentry.events[0]["breadcrumbs"]["values"]
    assert any(crumb["category"] == "some.library" for crumb in crumbs)


def test_spans_of_libraries_do_not_leak(
    bench: Bench, sentry: SentryServer, logged: io.StringIO
) -> None:
    url = bench.stage.serve(IMAGE, [Answer(410)])
    claim = bench.claim(url)
    with (
        bench.reporter.attempt(claim, Timings()),
        sentry_sdk.start_span(op="http.client", name=url) as span,
    ):
        span.set_data("url", url)
        span.set_data(url, [bench.stage.cloudinary.api_secret])
    bench.run(claim)
    assert_nothing_leaked(bench, sentry, logged, url)
    described = [span["description"] for span in sentry.transactions[0]["spans"]]
    assert url.partition("?")[0] in described
