"""``run`` with PROCESSES above 1: several worker processes, one for HTTP, and their parent."""

import os
import signal
import threading
from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.rows import dict_row

from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.http_client import call
from tests.support.panels import IMAGE, all_rows, enqueue_panels, rows_held_by
from tests.support.ports import free_port
from tests.support.process_tree import children_of, has_ended, killed_at_the_end
from tests.support.running_worker import RunningWorker, StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, statuses, wait_for_statuses

FOREVER = threading.Event()
AT_ONCE_SECONDS = 3.0
# The second process dies half a second after each start. What takes a minute takes seconds.
SECOND_DIES_SOON = """
import os, threading
from storyboard_worker.worker.processes import restarts
from storyboard_worker.worker.worker import Worker
restarts.FIRST_WAIT_SECONDS = restarts.LONGEST_WAIT_SECONDS = 0.2
run = Worker.run
def run_for_a_moment(worker):
    if worker._settings.worker_concurrency == 4:
        threading.Timer(0.5, os._exit, [9]).start()
    run(worker)
Worker.run = run_for_a_moment
"""


@pytest.fixture
def port(settings: dict[str, str]) -> int:
    port = free_port()
    settings.update(PORT=str(port), PROCESSES="2", WORKER_CONCURRENCY="9", LEASE_SECONDS="2")
    return port


def registered(producer: psycopg.Connection) -> list[dict[str, Any]]:
    with producer.cursor(row_factory=dict_row) as cursor:
        query = "SELECT * FROM storyboard_workers ORDER BY concurrency DESC, started_at"
        return cursor.execute(query).fetchall()


def pids_registered(producer: psycopg.Connection) -> set[int]:
    return {row["pid"] for row in registered(producer)}


def ids_registered(producer: psycopg.Connection) -> set[str]:
    return {row["worker_id"] for row in registered(producer)}


def counted(port: int, count: int) -> dict[str, float]:
    """The metrics, once so many attempts have become ready."""
    eventually(lambda: metrics(port)["storyboard_attempts_total ready"] == count)
    return metrics(port)


def metrics(port: int) -> dict[str, float]:
    """By sample, with its label if it has one."""
    text = call(port, "/metrics").text
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def wait_until_served(worker: RunningWorker, port: int) -> None:
    worker.wait_for_log("http server listens")
    worker.wait_for_log("listening for new rows", 2)
    eventually(lambda: metrics(port)["storyboard_listening"] == 1)


def test_two_share_slots_and_rows_and_are_seen_as_one(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, port: int
) -> None:
    go_on = threading.Event()
    worker = start_worker(LEASE_SECONDS="60", SHUTDOWN_GRACE_SECONDS="2")
    wait_until_served(worker, port)

    eventually(lambda: len(registered(producer)) == 2)
    first, second = registered(producer)
    assert [first["concurrency"], second["concurrency"]] == [5, 4]
    assert {first["pid"], second["pid"]} < set(children_of(worker.pid))
    assert len({first["worker_id"], second["worker_id"]}) == 2
    assert worker.pid not in {first["pid"], second["pid"]}

    enqueue_panels(producer, origin, 9, [Hang(go_on)])
    origin.wait_for_requests(9)
    assert len(rows_held_by(producer, first["pid"])) == 5
    assert len(rows_held_by(producer, second["pid"])) == 4
    eventually(lambda: metrics(port)["storyboard_slots_taken"] == 9)
    assert call(port, "/healthz").status == 200
    assert call(port, "/api/health/worker").json["stats"]["workers"] == 2
    go_on.set()
    wait_for_statuses(producer, ready=9)

    found = counted(port, 9)
    assert found["storyboard_slots"] == 9
    assert found["storyboard_copied_bytes_total"] == 9 * len(IMAGE)
    assert found["storyboard_attempt_seconds_count"] == 9
    assert found["storyboard_loop_silent_seconds"] < 45
    assert 0 < found["storyboard_process_resident_memory_bytes"] < 1e9

    enqueue_panels(producer, origin, 5, [Hang(FOREVER)], prefix="hang")
    origin.wait_for_requests(14)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert statuses(producer) == {"ready": 9, "pending": 5}, worker.shown_log()
    assert {row["attempts"] for row in all_rows(producer) if row["status"] == "pending"} == {0}
    assert registered(producer) == []
    assert len(worker.logged("worker stopped")) == 2


def test_what_is_killed_is_started_again_and_nothing_is_lost(
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    sentry: SentryServer,
    port: int,
) -> None:
    worker = start_worker(SENTRY_DSN=sentry.dsn)
    wait_until_served(worker, port)
    enqueue_panels(producer, origin, 6, prefix="before")
    wait_for_statuses(producer, ready=6)
    counted(port, 6)
    enqueue_panels(producer, origin, 12, [Hang(go_on := threading.Event())])
    origin.wait_for_requests(6 + 9)
    doomed = registered(producer)[0]["pid"]
    assert len(rows_held_by(producer, doomed)) == 5

    os.kill(doomed, signal.SIGKILL)

    [told] = worker.wait_for_log("a process ended by itself and is started again")
    assert (told["pid"], told["ended"], told["again_in_seconds"]) == (doomed, "SIGKILL", 0)
    [_, _, successor] = worker.wait_for_log("worker started", 3)
    eventually(lambda: successor["worker_id"] in ids_registered(producer))
    assert len(registered(producer)) == 2
    assert doomed not in pids_registered(producer)
    assert call(port, "/healthz").status == 200
    assert metrics(port)["storyboard_attempts_total ready"] == 6
    go_on.set()
    wait_for_statuses(producer, ready=18)
    counted(port, 18)
    [event] = eventually(lambda: [one for one in sentry.events if one["tags"].get("alarm")])
    assert event["tags"]["alarm"] == "process_died"
    assert "SIGKILL" in event["message"]

    kill_the_server(worker, producer)
    worker.wait_for_log("a process ended by itself and is started again", 2)
    # The parent keeps the port, so that a request waits for the next server.
    assert counted(port, 18)["storyboard_slots"] == 9
    kill_the_parent(worker)
    assert registered(producer) == []


def kill_the_server(worker: RunningWorker, producer: psycopg.Connection) -> None:
    [server] = set(children_of(worker.pid)) - pids_registered(producer)
    os.kill(server, signal.SIGKILL)


def kill_the_parent(worker: RunningWorker) -> None:
    """Its processes stop gracefully without it."""
    children = children_of(worker.pid)
    assert len(children) == 3
    with killed_at_the_end(children):
        worker.signal(signal.SIGKILL)
        assert worker.wait() == -signal.SIGKILL
        eventually(lambda: all(has_ended(child) for child in children))
    assert len(worker.logged("worker stopped")) == 2


def test_a_second_signal_ends_all_at_once(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, port: int
) -> None:
    worker = start_worker(SHUTDOWN_GRACE_SECONDS="60")
    enqueue_panels(producer, origin, 5, [Hang(FOREVER)])
    origin.wait_for_requests(5)
    children = children_of(worker.pid)
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("stopping", 2)
    # A terminal sends its signal to the processes as well.
    for child in children:
        os.kill(child, signal.SIGINT)
    assert call(port, "/healthz").status == 200
    worker.signal(signal.SIGINT)
    assert worker.wait(AT_ONCE_SECONDS) == 1
    eventually(lambda: all(has_ended(child) for child in children))
    assert statuses(producer) == {"processing": 5}


def test_one_that_keeps_dying_is_unhealthy_though_each_life_begins_well(
    producer: psycopg.Connection, start_worker: StartWorker, port: int
) -> None:
    worker = start_worker(SECOND_DIES_SOON, LEASE_SECONDS="60")
    worker.wait_for_log("http server listens")
    assert call(port, "/healthz").status == 200
    eventually(lambda: call(port, "/healthz").status == 503)
    assert "died 3 times in a row" in call(port, "/healthz").text
    assert len(worker.logged("a process ended by itself")) >= 3
    # One may have died before the next has taken its place in the register.
    assert len(registered(producer)) <= 2
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
