"""The row of ``storyboard_workers`` shows others that a worker is alive."""

import signal
import socket
import threading
from typing import Any

import psycopg
from psycopg.rows import dict_row

from storyboard_worker import __version__
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, wait_for_statuses


def registered(producer: psycopg.Connection) -> list[dict[str, Any]]:
    with producer.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM storyboard_workers ORDER BY started_at").fetchall()


def test_a_worker_registers_beats_and_leaves(
    producer: psycopg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker(WORKER_CONCURRENCY="5", LEASE_SECONDS="1.5")
    [first] = eventually(lambda: registered(producer))
    assert {name: first[name] for name in first if not name.endswith("_at")} == {
        "worker_id": worker.logged("worker started")[0]["worker_id"],
        "hostname": socket.gethostname(),
        "pid": worker.pid,
        "version": __version__,
        "state": "running",
        "concurrency": 5,
        "in_flight": 0,
        "paused": {},
    }
    eventually(lambda: registered(producer)[0]["last_seen_at"] > first["last_seen_at"])
    assert registered(producer)[0]["started_at"] == first["started_at"]

    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert registered(producer) == []


def test_it_tells_how_many_attempts_are_under_way(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    go_on = threading.Event()
    start_worker(WORKER_CONCURRENCY="5", LEASE_SECONDS="1.5")
    enqueue_panels(producer, origin, 3, [Hang(go_on)])
    eventually(lambda: [row["in_flight"] for row in registered(producer)] == [3])
    go_on.set()
    eventually(lambda: [row["in_flight"] for row in registered(producer)] == [0])


def test_claimed_rows_name_their_worker(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    workers = [start_worker(WORKER_CONCURRENCY="1") for _ in range(2)]
    go_on = threading.Event()
    enqueue_panels(producer, origin, 2, [Hang(go_on)])
    origin.wait_for_requests(2)
    claimed_by = {row["claimed_by"] for row in all_rows(producer)}
    assert claimed_by == {row["worker_id"] for row in registered(producer)}
    assert {row["pid"] for row in registered(producer)} == {worker.pid for worker in workers}
    go_on.set()
    wait_for_statuses(producer, ready=2)


def test_the_row_of_a_killed_worker_grows_old(
    producer: psycopg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker(LEASE_SECONDS="1")
    eventually(lambda: registered(producer))
    worker.signal(signal.SIGKILL)
    worker.wait()
    eventually(
        lambda: producer.execute(
            "SELECT FROM storyboard_workers WHERE last_seen_at < now() - interval '1 second'"
        ).fetchall()
    )
