"""A good installation with everything real, and a database of its own for each test."""

from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker import __version__
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.doctor import server_checks
from tests.acceptance.doctor.patient import Patient
from tests.support.sentry_server import PUBLIC_KEY, SentryServer

PASSWORD = "database-hunter2"
CRON_SECRET = "0123456789abcdef-cron"


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a transaction may take as long as with a database that is far away."""
    monkeypatch.setattr(server_checks, "FAR_SECONDS", 60.0)


@pytest.fixture
def owner(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True, application_name="owner") as connection:
        yield connection


@pytest.fixture
def patient(
    database_url: str, owner: psycopg.Connection, cloudinary: Cloudinary, sentry: SentryServer
) -> Patient:
    with_password = database_url.replace(":@", f":{PASSWORD}@")
    assert PASSWORD in with_password
    owner.execute(
        "INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, "
        "last_seen_at) VALUES ('worker-1', 'host-1', 17, %s, 16, now() + interval '1 hour')",
        [__version__],
    )
    return Patient(
        {
            "DATABASE_URL": with_password,
            "CLOUDINARY_URL": cloudinary.configuration_url,
            "SENTRY_DSN": sentry.dsn,
            "PORT": "8080",
            "CRON_SECRET": CRON_SECRET,
        },
        owner,
        [PASSWORD, CRON_SECRET, cloudinary.api_secret, PUBLIC_KEY],
    )
