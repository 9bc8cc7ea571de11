"""A worker that meets every fault sends no secret to Sentry, its log, the table, or HTTP."""

import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest

from storyboard_worker.attempts.policy import Kind, kind_of
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer, SourceFault
from storyboard_worker.demo.origin import Origin
from storyboard_worker.errors import AttemptError, ErrorCode
from tests.support.every_fault import (
    REDIRECT_PASSWORD,
    REDIRECT_SIGNATURE,
    catalogue,
    echo,
    kinds,
    source_faults,
    storage_faults,
)
from tests.support.http_client import call
from tests.support.panels import IMAGE, enqueue_panel, plant
from tests.support.ports import free_port
from tests.support.producing import enqueue
from tests.support.running_worker import RunningWorker
from tests.support.sentry_server import SentryServer
from tests.support.signed_links import LINKS, SIGNATURE, quotations, target_of
from tests.support.waiting import eventually, statuses

# It contains characters that a URL must quote, so it appears in two forms.
PASSWORD = "database/hunter2 & more"
CRON_SECRET = "cron-secret-0123456789"
BOARD_TOKEN = "board-token-0123456789"
CRON = "/api/cron/download-pending-storyboards"
# Every route that answers GET. The routes of one row are added by its id.
PATHS = ["/healthz", "/api/health/worker", "/metrics", "/", "/nothing", CRON]
# These follow from events of a worker, not from faults of an upstream.
ALL_CODES = set(ErrorCode) - {ErrorCode.WORKER_LOST, ErrorCode.UNEXPECTED}
# No row fails with these codes.
BLAMELESS_CODES = {code for code in ErrorCode if kind_of(AttemptError(code, "")) is Kind.BLAMELESS}
# Pauses would prolong the test, and have tests of their own.
SHORT = """
from storyboard_worker.attempts import breaker
from storyboard_worker.attempts import policy
policy.BLAMELESS_PAUSE_SECONDS = 0.2
breaker.FIRST_PAUSE_SECONDS = breaker.LONGEST_PAUSE_SECONDS = 0.2
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def worker(settings: dict[str, str], sentry: SentryServer, port: int) -> Iterator[RunningWorker]:
    url = settings["DATABASE_URL"].replace(":@", f":{quote(PASSWORD, safe='')}@")
    assert quote(PASSWORD, safe="") in url
    worker = RunningWorker(
        {
            **settings,
            "DATABASE_URL": url,
            "SENTRY_DSN": sentry.dsn,
            "SENTRY_TRACES_SAMPLE_RATE": "1",
            "CRON_SECRET": CRON_SECRET,
            "BOARD_TOKEN": BOARD_TOKEN,
            "PORT": str(port),
            "READ_TIMEOUT_SECONDS": "1",
            "ATTEMPT_TIMEOUT_SECONDS": "3",
        },
        SHORT,
    )
    yield worker
    worker.stop_for_good()


def work_off(
    producer: psycopg.Connection, origin: Origin, faults: Sequence[SourceFault | None]
) -> None:
    """Adds a row for each fault, or for none; returns when all are finished."""
    for fault in faults:
        planted = [] if fault is None else [fault]
        enqueue_panel(producer, origin, f"{uuid4()}.jpg", planted, max_attempts=1)
    eventually(lambda: set(statuses(producer)) <= {"ready", "failed"}, timeout_seconds=60)


def meet_every_fault(producer: psycopg.Connection, origin: Origin, cloudinary: Cloudinary) -> None:
    url = plant(origin, "echoed.jpg")
    enqueue(producer, url)
    words = [url, f"{cloudinary.api_key}:{cloudinary.api_secret}"]
    at_source, at_storage = source_faults(words), storage_faults(words)
    assert kinds([*at_source, *at_storage]) == catalogue()
    work_off(producer, origin, at_source)
    for fault in at_storage:
        cloudinary.misbehave(fault)
    work_off(producer, origin, [None] * len(at_storage))
    assert cloudinary._faults.take() is None, "a fault was met by no row"
    yesterday = datetime.now(UTC) - timedelta(days=2)
    enqueue(producer, origin.sign("expired.jpg", signed_at=yesterday))


def meet_every_link(
    producer: psycopg.Connection, origin: Origin, cloudinary: Cloudinary
) -> list[UUID]:
    """Links of each kind, refused by the source and repeated by the storage in one of its ways."""
    ids = []
    for number, target in enumerate(map(target_of, LINKS)):
        origin.put(target.partition("?")[0][1:], IMAGE, faults=[Answer(403)])
        for words in quotations(target)[number % 3 :: 3]:
            cloudinary.misbehave(echo(400, words))
            ids.append(enqueue(producer, f"{origin.url}{target}", max_attempts=1))
        ids.append(enqueue(producer, f"{origin.url}{target}", max_attempts=1))
    eventually(lambda: set(statuses(producer)) <= {"ready", "failed"}, timeout_seconds=60)
    return ids


def answers(port: int, ids: Sequence[UUID]) -> str:
    """All answers of HTTP, with and without the secrets of the routes that need one."""
    rows = [f"/api/storyboards/{id_}" for id_ in ids]
    calls = [("GET", path) for path in [*PATHS, *rows]]
    calls += [("POST", path) for path in [CRON, f"{rows[0]}/process", f"{rows[-1]}/process"]]
    replies = [
        call(port, path, method, token=token)
        for method, path in calls
        for token in (None, "wrong", CRON_SECRET)
    ]
    return "\n".join(f"{reply.headers} {reply.text}" for reply in replies)


def error_columns(producer: psycopg.Connection) -> str:
    columns = "error_code, error_message, sentry_event_id, cdn_url, public_id, claimed_by"
    rows = producer.execute(f"SELECT {columns} FROM storyboards").fetchall()
    return repr([*rows, *producer.execute("SELECT * FROM storyboard_workers").fetchall()])


def secrets_of(producer: psycopg.Connection, cloudinary: Cloudinary) -> set[str]:
    found = {CRON_SECRET, BOARD_TOKEN, cloudinary.api_secret, cloudinary.api_key}
    found |= {PASSWORD, REDIRECT_SIGNATURE, REDIRECT_PASSWORD, SIGNATURE}
    for (url,) in producer.execute("SELECT source_url FROM storyboards").fetchall():
        query = parse_qs(urlsplit(url).query)
        for name in ("X-Tos-Signature", "X-Tos-Credential"):
            found |= set(query.get(name, []))
    return found | {quote(secret, safe="") for secret in found}


def test_no_byte_that_leaves_holds_a_secret(
    worker: RunningWorker,
    port: int,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    sentry: SentryServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker.wait_for_log("worker ready")
    meet_every_fault(producer, origin, cloudinary)
    monkeypatch.setattr(Origin, "_check_signature", lambda _origin, _request: None)
    of_links = meet_every_link(producer, origin, cloudinary)
    failed = producer.execute("SELECT id FROM storyboards WHERE status = 'failed'").fetchall()
    table = error_columns(producer)
    told = answers(port, [id_ for (id_,) in failed if id_ not in of_links] + of_links[:1])
    assert {id_ for (id_,) in failed} >= set(of_links), "each met its fault"
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0

    log = "\n".join(map(str, worker.log))
    table += error_columns(producer)
    texts = [log, table, told]
    everything = b"\n".join([*sentry.raw, worker.out, *(text.encode() for text in texts)])
    secrets = secrets_of(producer, cloudinary)
    assert [secret for secret in secrets if secret.encode() in everything] == []
    assert worker.out == b""
    # Each cause has appeared in each output, so the search had something to find.
    reported = {event["tags"].get("error_code") for event in sentry.events}
    assert reported >= ALL_CODES - BLAMELESS_CODES
    assert {line.get("error_code") for line in worker.log} >= ALL_CODES - {"source_expired"}
    assert [code for code in ALL_CODES - BLAMELESS_CODES if code not in table] == []
    assert len(sentry.transactions) >= len(failed)
    assert '"healthy"' in told
    assert "storyboard_failed" in told
    assert "Download failed, click to retry" in told
    assert '"complete"' in told


def test_a_database_that_cannot_be_reached_leaks_nothing(
    settings: dict[str, str], sentry: SentryServer
) -> None:
    url = f"postgresql://storyboards:{quote(PASSWORD, safe='')}@127.0.0.1:1/postgres"
    changes = "import storyboard_worker.worker.outage as outage\noutage.ALARM_AFTER_SECONDS = 0.5"
    worker = RunningWorker({**settings, "DATABASE_URL": url, "SENTRY_DSN": sentry.dsn}, changes)
    eventually(lambda: sentry.events)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    worker.stop_for_good()
    everything = b"\n".join([*sentry.raw, *(str(line).encode() for line in worker.log)])
    assert PASSWORD.encode() not in everything
    assert quote(PASSWORD, safe="").encode() not in everything
    assert sentry.events[0]["tags"]["alarm"] == "database"
