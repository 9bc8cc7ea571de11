"""The real command against a real Postgres and the stand-ins for both upstreams."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storyboard_worker.database import Database, schema
from storyboard_worker.demo.cloudinary import Cloudinary
from tests.support.database_url import url_of
from tests.support.own_postgres import OwnPostgres, own_postgres
from tests.support.pooler import transaction_pooler
from tests.support.running_worker import RunningWorker, StartWorker, worker_settings


@pytest.fixture
def database_url(dsn: str) -> str:
    return url_of(dsn)


@pytest.fixture
def pooled_url(dsn: str) -> Iterator[str]:
    """The same database behind a transaction pooler."""
    with transaction_pooler(dsn) as pooled:
        yield url_of(pooled)


@pytest.fixture
def own_server() -> Iterator[OwnPostgres]:
    """A migrated Postgres of the test's own, to be stopped and started."""
    with (
        tempfile.TemporaryDirectory(prefix="storyboard-own-") as folder,
        own_postgres(Path(folder)) as server,
    ):
        database = Database(server.dsn)
        schema.upgrade(database)
        database.close()
        yield server


@pytest.fixture
def own_url(own_server: OwnPostgres) -> str:
    return url_of(own_server.dsn)


@pytest.fixture
def settings(database_url: str, cloudinary: Cloudinary) -> dict[str, str]:
    """The settings of every worker of a test. A test may change them before it starts a worker."""
    return worker_settings(database_url, cloudinary)


@pytest.fixture
def start_worker(settings: dict[str, str]) -> Iterator[StartWorker]:
    """Starts workers.

    At the end of the test all are stopped, and none may have logged an exception.
    """
    workers: list[RunningWorker] = []

    def start(changes: str = "", **changed: str) -> RunningWorker:
        worker = RunningWorker({**settings, **changed}, changes)
        workers.append(worker)
        worker.wait_for_log("worker started")
        return worker

    yield start
    for worker in workers:
        worker.stop_for_good()
    for worker in workers:
        worker.assert_no_exception_logged()
