"""Postgres crashes and comes back, or connections die: the worker goes on by itself."""

import threading
from functools import partial

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.own_postgres import OwnPostgres
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels
from tests.support.running_worker import RunningWorker, StartWorker
from tests.support.waiting import eventually, statuses, wait_for_statuses


def new_connections(producer: psycopg.Connection, known: set[int]) -> set[int]:
    """The connections of workers, by process id of the server."""
    found = producer.execute(
        "SELECT pid FROM pg_stat_activity "
        "WHERE application_name = 'storyboard-worker' AND datname = current_database()"
    )
    return {pid for (pid,) in found} - known


def assert_listens_again(
    worker: RunningWorker, producer: psycopg.Connection, ready: int, origin: Origin
) -> None:
    """Check that it listens: it has said so, and a new row starts long before the next poll."""
    worker.wait_for_log("listening for new rows", count=2)
    enqueue_panel(producer, origin, "afterwards.jpg")
    wait_for_statuses(producer, timeout_seconds=10, ready=ready)


def test_a_crash_of_postgres_in_mid_run_costs_nothing(
    own_server: OwnPostgres, origin: Origin, start_worker: StartWorker, own_url: str
) -> None:
    worker = start_worker(DATABASE_URL=own_url, WORKER_CONCURRENCY="4")
    worker.wait_for_log("listening for new rows")
    origin.delay_seconds = 0.1
    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        enqueue_panels(producer, origin, 40)
        eventually(lambda: statuses(producer).get("ready", 0) >= 8)

    own_server.stop("immediate")
    worker.wait_for_log("waiting for the database")
    own_server.start()

    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        wait_for_statuses(producer, ready=40)
        assert worker.logged("the database is back")
        assert_listens_again(worker, producer, 41, origin)
    assert worker.is_running


def test_what_was_under_way_is_written_down_when_postgres_is_back(
    own_server: OwnPostgres,
    own_url: str,
    origin: Origin,
    cloudinary: Cloudinary,
    start_worker: StartWorker,
) -> None:
    go_on = threading.Event()
    worker = start_worker(DATABASE_URL=own_url, LEASE_SECONDS="60")
    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        enqueue_panels(producer, origin, 3, [Hang(go_on)])
        origin.wait_for_requests(3)
        # A claim waits for no disk, so the crash might undo it, and the images be copied again.
        producer.execute("CHECKPOINT")
    own_server.stop("immediate")
    go_on.set()
    cloudinary.wait_for_uploads(3)
    worker.wait_for_log("outcome waits for the database", count=3)
    own_server.start()

    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        wait_for_statuses(producer, ready=3)
        assert {row["attempts"] for row in all_rows(producer)} == {1}
    assert len(cloudinary.uploads) == 3


def test_connections_that_die_again_and_again_cost_nothing(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    worker = start_worker(WORKER_CONCURRENCY="4", LEASE_SECONDS="2")
    worker.wait_for_log("listening for new rows")
    origin.delay_seconds = 0.1
    enqueue_panels(producer, origin, 100)
    terminated: set[int] = set()
    for _ in range(20):
        connected = eventually(partial(new_connections, producer, terminated))
        for pid in connected:
            producer.execute("SELECT pg_terminate_backend(%s)", [pid])
        terminated |= connected

    wait_for_statuses(producer, ready=100)
    assert_listens_again(worker, producer, 101, origin)
    assert worker.is_running
