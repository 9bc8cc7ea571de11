"""A worker that meets every fault lets no secret out: by Sentry, its log, the table, or HTTP."""

import http.client
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest

from storyboard_worker.demo import faults
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer, SourceFault, StorageFault
from storyboard_worker.demo.origin import Origin
from tests.acceptance.panels import enqueue_panel
from tests.acceptance.running_worker import RunningWorker
from tests.acceptance.waiting import eventually, statuses
from tests.integration.sentry_server import SentryServer

PASSWORD = "database-hunter2"
CRON_SECRET = "cron-secret-0123456789"
BOARD_TOKEN = "board-token-0123456789"
NEVER = threading.Event()
PATHS = [
    *("/healthz", "/api/health/worker", "/metrics", "/", "/nothing"),
    "/api/cron/download-pending-storyboards",
]
# Pauses would make the test last, and are another's matter.
SHORT = """
from storyboard_worker import pauses, policy
policy.BLAMELESS_PAUSE_SECONDS = 0.2
defaults = pauses._Trouble.__init__.__defaults__
pauses._Trouble.__init__.__defaults__ = tuple(
    0.2 if value == pauses.FIRST_PAUSE_SECONDS else value for value in defaults
)
pauses.LONGEST_PAUSE_SECONDS = 0.2
"""
SOURCE_FAULTS: list[SourceFault] = [
    *(Answer(status, b"no") for status in (206, 401, 403, 404, 408, 418, 429, 500, 503)),
    Answer(302, b"", {"Location": "http://127.0.0.1:1/a?X-Tos-Signature=other"}),
    faults.Chunked(breaks_off_at_bytes=3_000),
    faults.CloseBeforeAnswer(),
    faults.CutFile(3_000),
    faults.Drip(1, 0.2),
    faults.Encoded(),
    faults.Hang(NEVER),
    faults.Hang(NEVER, "in_body"),
    faults.NoLength(),
    faults.ResetInBody(3_000),
    faults.ServeBytes(b"<html>"),
    faults.Truncate(3_000),
    faults.WrongLength(19_999),
]
STORAGE_FAULTS: list[StorageFault] = [
    *(Answer(status, {"error": {"message": "no"}}) for status in (400, 401, 409, 413, 420, 500)),
    Answer(502, "<html>"),
    faults.AlterAnswer(without=("secure_url",)),
    faults.AlterAnswer(changed={"etag": "0"}),
    faults.AnswerEarly(429),
    faults.CloseBeforeAnswer(),
    faults.Hang(NEVER),
    faults.LoseAnswer(),
]


@pytest.fixture
def port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture
def worker(settings: dict[str, str], sentry: SentryServer, port: int) -> Iterator[RunningWorker]:
    url = settings["DATABASE_URL"].replace(":@", f":{PASSWORD}@")
    assert PASSWORD in url
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


def plant_all(producer: psycopg.Connection, origin: Origin, cloudinary: Cloudinary) -> list[str]:
    """A row for each fault; their signed URLs."""
    for storage_fault in STORAGE_FAULTS:
        cloudinary.misbehave(storage_fault)
    for number, source_fault in enumerate([*SOURCE_FAULTS, *[None] * len(STORAGE_FAULTS)]):
        planted = [] if source_fault is None else [source_fault]
        enqueue_panel(producer, origin, f"{number}.jpg", planted, max_attempts=1)
    return [url for (url,) in producer.execute("SELECT source_url FROM storyboards").fetchall()]


def answers(port: int, ids: list[str]) -> str:
    """Whatever HTTP tells, with and without the secret of the cron route."""
    told = ""
    for path in [*PATHS, *(f"/api/storyboards/{id_}" for id_ in ids)]:
        for headers in ({}, {"Authorization": f"Bearer {CRON_SECRET}"}, {"Authorization": "x"}):
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                told += f"{response.getheaders()}{response.read().decode()}"
    return told


def secrets_of(urls: list[str], cloudinary: Cloudinary) -> list[str]:
    found = [PASSWORD, CRON_SECRET, BOARD_TOKEN, cloudinary.api_secret, cloudinary.api_key]
    for url in urls:
        query = parse_qs(urlsplit(url).query)
        credential = query["X-Tos-Credential"][0]
        found += [query["X-Tos-Signature"][0], credential, quote(credential, safe="")]
    return found


def test_no_byte_that_leaves_holds_a_secret(
    worker: RunningWorker,
    port: int,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    sentry: SentryServer,
) -> None:
    worker.wait_for_log("worker ready")
    urls = plant_all(producer, origin, cloudinary)
    eventually(lambda: set(statuses(producer)) <= {"ready", "failed"}, timeout_seconds=60)
    ids = [str(id_) for (id_,) in producer.execute("SELECT id FROM storyboards").fetchall()]
    told = answers(port, ids)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0

    table = producer.execute(
        "SELECT error_code, error_message, sentry_event_id, cdn_url, public_id FROM storyboards"
    ).fetchall()
    log = "\n".join(map(str, worker.log))
    everything = b"\n".join([*sentry.raw, log.encode(), repr(table).encode(), told.encode()])
    leaked = [secret for secret in secrets_of(urls, cloudinary) if secret.encode() in everything]
    assert leaked == []
    # There was something to search: many causes, by each way out.
    assert len({row[0] for row in table}) >= 10
    assert len({tuple(event["fingerprint"]) for event in sentry.events}) >= 10
    assert len(sentry.transactions) >= len(urls)
    assert '"healthy"' in told
    assert "storyboard_failed" in told
    assert "Download failed, click to retry" in told


def test_a_database_that_cannot_be_reached_leaks_nothing(
    settings: dict[str, str], sentry: SentryServer
) -> None:
    url = f"postgresql://storyboards:{PASSWORD}@127.0.0.1:1/postgres"
    changes = "import storyboard_worker.worker.outage as outage\noutage.ALARM_AFTER_SECONDS = 0.5"
    worker = RunningWorker({**settings, "DATABASE_URL": url, "SENTRY_DSN": sentry.dsn}, changes)
    eventually(lambda: sentry.events)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    worker.stop_for_good()
    everything = b"\n".join([*sentry.raw, "\n".join(map(str, worker.log)).encode()])
    assert PASSWORD.encode() not in everything
    assert sentry.events[0]["tags"]["alarm"] == "database"
