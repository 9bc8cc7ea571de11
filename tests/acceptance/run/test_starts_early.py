"""A worker that starts before its database, or before the schema, waits for it."""

import subprocess
import sys

import psycopg
import pytest

from storyboard_worker.demo.origin import Origin
from tests.support.database_url import url_of
from tests.support.own_postgres import OwnPostgres
from tests.support.panels import enqueue_panel
from tests.support.process_environment import environment
from tests.support.running_worker import StartWorker
from tests.support.waiting import wait_for_statuses


def test_before_postgres_is_up(
    own_server: OwnPostgres, own_url: str, origin: Origin, start_worker: StartWorker
) -> None:
    own_server.stop("fast")
    worker = start_worker(DATABASE_URL=own_url)
    worker.wait_for_log("waiting for the database")
    own_server.start()
    worker.wait_for_log("the database is back")
    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        enqueue_panel(producer, origin)
        wait_for_statuses(producer, ready=1)
    worker.wait_for_log("listening for new rows")


@pytest.fixture
def empty_url(empty_dsn: str) -> str:
    return url_of(empty_dsn)


def test_before_migrate(
    empty_dsn: str,
    empty_url: str,
    settings: dict[str, str],
    origin: Origin,
    start_worker: StartWorker,
) -> None:
    settings["DATABASE_URL"] = empty_url
    worker = start_worker()
    [line] = worker.wait_for_log("waiting for the database")
    assert "storyboard-worker migrate" in line["reason"]
    assert worker.is_running

    subprocess.run(
        [sys.executable, "-m", "storyboard_worker", "migrate"],
        env=environment(settings),
        check=True,
        capture_output=True,
        timeout=60,
    )
    with psycopg.connect(empty_dsn, autocommit=True) as producer:
        enqueue_panel(producer, origin)
        wait_for_statuses(producer, ready=1)
        worker.wait_for_log("the database is back")
