"""No fault of an upstream sends a secret to Sentry, the logs, or the table."""

import io
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest
import sentry_sdk

from storyboard_worker.attempts import breakers
from storyboard_worker.database import Database
from storyboard_worker.demo import faults
from storyboard_worker.demo.faults import Answer, SourceFault, StorageFault
from storyboard_worker.demo.origin import Origin
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.logs import JsonFormatter
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.timings import Timings
from storyboard_worker.transfer import copying as transfer
from tests.support.attempting import Bench, new_bench
from tests.support.sentry_reports import reporting_to
from tests.support.sentry_server import SentryServer
from tests.support.signed_links import LINKS, SIGNATURE, quotations, target_of
from tests.support.stage import HASTY_SECONDS, Stage, new_stage

IMAGE = random_image(600_000, "JPEG", seed=2)
IMAGE_OF_LINKS = random_image(5_000, "JPEG", seed=4)
DATABASE_PASSWORD = "database-hunter2"
NEVER = threading.Event()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with new_stage(HASTY_SECONDS) as stage:
        yield stage


@pytest.fixture
def redactor(stage: Stage) -> Redactor:
    return Redactor([stage.cloudinary.api_secret, DATABASE_PASSWORD])


@pytest.fixture
def logged(redactor: Redactor) -> Iterator[io.StringIO]:
    """All records of all loggers, at the most talkative level, in their final form."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter(redactor))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def bench(
    sentry: SentryServer,
    stage: Stage,
    database: Database,
    producer: psycopg.Connection,
) -> Iterator[Bench]:
    secrets = (stage.cloudinary.api_secret, DATABASE_PASSWORD)
    with reporting_to(sentry, *secrets, traces_sample_rate=1) as reporter:
        yield new_bench(stage, database, producer, reporter)


def secrets_of(bench: Bench, url: str) -> list[str]:
    query = parse_qs(urlsplit(url).query)
    signature = query.get("X-Tos-Signature", [SIGNATURE])[0]
    credential = query.get("X-Tos-Credential", [SIGNATURE])[0]
    return [
        signature,
        credential,
        quote(credential, safe=""),
        bench.stage.cloudinary.api_secret,
        DATABASE_PASSWORD,
    ]


def assert_nothing_leaked(
    bench: Bench, sentry: SentryServer, logged: io.StringIO, url: str
) -> None:
    bench.reporter.close()
    table = bench.producer.execute(
        "SELECT error_code, error_message, sentry_event_id, cdn_url, public_id FROM storyboards"
    ).fetchall()
    everything = b"\n".join([*sentry.raw, logged.getvalue().encode(), repr(table).encode()])
    leaked = [secret for secret in secrets_of(bench, url) if secret.encode() in everything]
    assert leaked == []
    # Each of the three ways out was used, so the search had something to find.
    assert sentry.events
    assert sentry.transactions
    assert json.loads(logged.getvalue().splitlines()[0])["message"]
    assert table


@pytest.fixture(autouse=True)
def pauses_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is an event to search."""
    monkeypatch.setattr(breakers, "LASTING_SECONDS", 0.0)


def in_short(fault: object) -> str:
    status = getattr(fault, "status", "")
    return f"{getattr(fault, '__name__', type(fault).__name__)}{status}"


SOURCE_FAULTS: list[SourceFault] = [
    *(Answer(status, b"no") for status in (206, 401, 403, 404, 408, 418, 429, 500, 503)),
    Answer(204),
    Answer(302, b"", {"Location": "http://127.0.0.1:1/a?X-Tos-Signature=other"}),
    Answer(302, b"", {"Location": "ftp://user:password@127.0.0.1/a"}),
    Answer(302),
    faults.Chunked(breaks_off_at_bytes=300_000),
    faults.CloseBeforeAnswer(),
    faults.CutFile(300_000),
    faults.Encoded(),
    faults.Hang(NEVER),
    faults.Hang(NEVER, "in_body"),
    faults.ResetInBody(300_000),
    faults.ServeBytes(b"<html>"),
    faults.Truncate(300_000),
    faults.WrongLength(599_999),
]


@pytest.mark.parametrize("fault", SOURCE_FAULTS, ids=in_short)
def test_no_fault_of_the_source_leaks(
    bench: Bench, sentry: SentryServer, logged: io.StringIO, fault: SourceFault
) -> None:
    url = bench.stage.serve(IMAGE, [fault])
    assert bench.run(bench.claim(url, max_attempts=1)).error is not None
    assert_nothing_leaked(bench, sentry, logged, url)


def echo(stage: Stage) -> Answer:
    """An upstream that repeats the signed URL, in JSON and in a header."""
    words = f"cannot fetch '{stage.origin.sign('panel.jpg')}'"
    return Answer(400, {"error": {"message": words}}, {"X-Cld-Error": words})


STORAGE_FAULTS: list[StorageFault | Callable[[Stage], StorageFault]] = [
    *(Answer(status, {"error": {"message": "no"}}) for status in (400, 401, 409, 413, 420, 500)),
    Answer(502, "<html>"),
    faults.AlterAnswer(without=("secure_url",)),
    faults.AlterAnswer(changed={"etag": "0"}),
    faults.AnswerEarly(429),
    faults.CloseBeforeAnswer(),
    faults.Hang(NEVER),
    faults.LoseAnswer(),
    faults.StoreInstead(random_image(5_000, "JPEG", seed=3)),
    echo,
]


@pytest.mark.parametrize("fault", STORAGE_FAULTS, ids=in_short)
def test_no_fault_of_the_storage_leaks(
    bench: Bench,
    sentry: SentryServer,
    logged: io.StringIO,
    fault: StorageFault | Callable[[Stage], StorageFault],
) -> None:
    url = bench.stage.serve(IMAGE)
    bench.stage.cloudinary.misbehave(
        fault if isinstance(fault, StorageFault) else fault(bench.stage)
    )
    assert bench.run(bench.claim(url, max_attempts=1)).error is not None
    assert_nothing_leaked(bench, sentry, logged, url)


@pytest.mark.parametrize("kind", LINKS)
def test_no_kind_of_link_leaks(
    bench: Bench,
    sentry: SentryServer,
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """Links are refused by the source, redirected, and repeated by the storage in many ways."""
    monkeypatch.setattr(Origin, "_check_signature", lambda _origin, _request: None)
    target = target_of(kind)
    url = f"{bench.stage.origin.url}{target}"
    path = target.partition("?")[0]
    elsewhere = {"Location": f"ftp://images.example{target}"}
    faults = [Answer(403), Answer(302, b"", elsewhere)]
    bench.stage.origin.put(path[1:], IMAGE_OF_LINKS, faults=faults)
    # Every other link, beginning with each in turn. The redactor's own test has all of them.
    said = quotations(target)[list(LINKS).index(kind) % 2 :: 2]
    for words in said:
        bench.stage.cloudinary.misbehave(Answer(400, {"error": {"message": f"no: {words}"}}))
    outcomes = [bench.run(bench.claim(url, max_attempts=1)) for _ in range(len(faults) + len(said))]
    codes = Counter(str(ended.error.code) for ended in outcomes if ended.error is not None)
    assert codes == {
        "source_forbidden": 1,
        "source_blocked": 1,
        "storage_rejected": len(said),
    }
    assert_nothing_leaked(bench, sentry, logged, url)


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
