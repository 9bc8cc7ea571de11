"""SIGTERM while the database is away: the worker still ends within its grace."""

import signal
import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.own_postgres import OwnPostgres
from tests.support.panels import enqueue_panels
from tests.support.running_worker import RunningWorker, StartWorker
from tests.support.waiting import wait_for_statuses

GRACE_SECONDS = 3
EXIT_SECONDS = 2
FOREVER = threading.Event()


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A database that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://worker@127.0.0.1:{server.getsockname()[1]}/nothing"


@pytest.fixture
def absent_url() -> str:
    """A database where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"postgresql://worker@127.0.0.1:{port}/nothing"


def start(start_worker: StartWorker, url: str) -> RunningWorker:
    return start_worker(DATABASE_URL=url, SHUTDOWN_GRACE_SECONDS=str(GRACE_SECONDS))


def assert_ends_within_the_grace(worker: RunningWorker) -> None:
    signalled_at = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.shown_log()
    assert time.monotonic() - signalled_at < GRACE_SECONDS + EXIT_SECONDS


def test_at_the_start_without_a_server(absent_url: str, start_worker: StartWorker) -> None:
    worker = start(start_worker, absent_url)
    worker.wait_for_log("waiting for the database")
    assert_ends_within_the_grace(worker)


def test_at_the_start_with_a_database_that_is_silent(
    silent_url: str, start_worker: StartWorker
) -> None:
    assert_ends_within_the_grace(start(start_worker, silent_url))


def test_in_mid_run(
    own_server: OwnPostgres, own_url: str, origin: Origin, start_worker: StartWorker
) -> None:
    worker = start(start_worker, own_url)
    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        enqueue_panels(producer, origin, 3, [Hang(FOREVER)])
        origin.wait_for_requests(3)
        # A claim waits for no disk, so the crash might undo it.
        producer.execute("CHECKPOINT")
    own_server.stop("immediate")
    assert_ends_within_the_grace(worker)
    # The rows could not be given back. Their leases lapse.
    own_server.start()
    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        wait_for_statuses(producer, processing=3)
        start(start_worker, own_url)
        wait_for_statuses(producer, ready=3)


def test_in_mid_run_with_a_database_that_is_silent(
    own_server: OwnPostgres, own_url: str, origin: Origin, start_worker: StartWorker
) -> None:
    worker = start(start_worker, own_url)
    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        enqueue_panels(producer, origin, 3, [Hang(FOREVER)])
    origin.wait_for_requests(3)
    with own_server.frozen():
        assert_ends_within_the_grace(worker)
