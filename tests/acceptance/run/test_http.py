"""The answers of ``run`` with PORT while it works, hangs, stops, or waits for its database."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psycopg
import pytest

from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.http_client import Reply, call, connect
from tests.support.own_postgres import OwnPostgres
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels
from tests.support.ports import free_port
from tests.support.process_environment import environment
from tests.support.running_worker import RunningWorker, StartWorker
from tests.support.waiting import eventually, wait_for_statuses

SECRET = "s3cret-of-cron"
CRON = "/api/cron/download-pending-storyboards"
FOREVER = threading.Event()

# A loop that hangs when a row wakes it, under a watchdog whose time runs thirty times as fast.
# /healthz reports a silence of 45 s of that time, and one of 90 s ends the process.
HANGS = """
import threading
from storyboard_worker.worker.dispatch import Dispatcher
from storyboard_worker.worker import loop, watchdog

class Hurried(threading.Event):
    def wait(self, timeout=None):
        return super().wait(None if timeout is None else timeout / 30)

real_init = watchdog.Watchdog.__init__
def hurried(self, *args, **kwargs):
    real_init(self, *args, **kwargs)
    self._stopped = Hurried()
watchdog.Watchdog.__init__ = hurried
loop.PROGRESS_SECONDS = 0.3
real_fill = Dispatcher.fill
fills = []
def fill(self, **how):
    fills.append(1)
    if len(fills) > 1:
        threading.Event().wait()
    return real_fill(self, **how)
Dispatcher.fill = fill
"""


@pytest.fixture
def port(settings: dict[str, str]) -> int:
    """The workers of the test serve on it."""
    port = free_port()
    settings.update(PORT=str(port), CRON_SECRET=SECRET)
    return port


@pytest.fixture
def client() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as client:
        yield client


def healthz(port: int) -> Reply:
    return call(port, "/healthz")


def test_a_worker_tells_that_it_is_well_and_counts(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, port: int
) -> None:
    worker = start_worker()
    assert worker.wait_for_log("http server listens")[0]["port"] == port
    assert healthz(port).status == 200
    eventually(lambda: call(port, "/api/health/worker").status == 200)
    enqueue_panels(producer, origin, 5)
    wait_for_statuses(producer, ready=5)
    eventually(
        lambda: 'attempts_total{outcome="ready"} 5.0' in call(port, "/metrics").text,
    )
    worker.wait_for_log("listening for new rows")
    assert "storyboard_listening 1.0" in call(port, "/metrics").text
    # Health checks come every few seconds, so they are not logged.
    assert not worker.logged("cron call")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_calls_that_work_are_logged_with_what_came_of_them(
    start_worker: StartWorker, port: int
) -> None:
    worker = start_worker()
    assert call(port, CRON, token="wrong").status == 401
    assert call(port, CRON, "POST", token=SECRET).status == 200
    refused, done = worker.wait_for_log("cron call", 2)
    assert (refused["status"], refused["level"]) == (401, "warning")
    assert (done["status"], done["answer"]["processed"]) == (200, 0)
    assert SECRET not in worker.shown_log()


@pytest.mark.timeout(180)
def test_a_loop_that_hangs_is_told_before_the_process_ends(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, port: int
) -> None:
    worker = start_worker(HANGS)
    worker.wait_for_log("listening for new rows")
    assert healthz(port).status == 200
    enqueue_panel(producer, origin)

    reply = eventually(lambda: (found := healthz(port)).status == 503 and found)

    assert isinstance(reply, Reply)
    assert worker.is_running
    assert reply.json["reason"].startswith("no progress of the claim loop for ")
    assert worker.wait() == 70


def test_a_port_that_is_taken_is_one_line(
    settings: dict[str, str], start_worker: StartWorker, port: int
) -> None:
    start_worker()
    second = subprocess.run(
        [sys.executable, "-m", "storyboard_worker", "run"],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert second.stderr.startswith(f"Error: PORT={port} is taken")


def test_while_it_drains_it_is_well_and_begins_nothing(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, port: int
) -> None:
    go_on = threading.Event()
    worker = start_worker(SHUTDOWN_GRACE_SECONDS="60")
    enqueue_panel(producer, origin, faults=[Hang(go_on)])
    origin.wait_for_requests(1)
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("stopping")

    assert healthz(port).status == 200
    refused = call(port, CRON, token=SECRET)
    assert (refused.status, refused.json) == (503, {"error": "this worker is stopping"})

    go_on.set()
    assert worker.wait() == 0
    wait_for_statuses(producer, ready=1)


def test_a_stop_gives_back_what_requests_began_and_answers_them(
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    port: int,
    client: ThreadPoolExecutor,
) -> None:
    """The worker is kept from claiming, so that the requests get the rows."""
    changes = (
        "from storyboard_worker.worker.loop import NOTHING, ClaimLoop\n"
        "ClaimLoop._fill = lambda self: NOTHING\n"
    )
    worker = start_worker(changes, SHUTDOWN_GRACE_SECONDS="3", LEASE_SECONDS="60")
    ids = enqueue_panels(producer, origin, 2, [Hang(FOREVER)])
    one = client.submit(call, port, f"/api/storyboards/{ids[0]}/process", "POST", token=SECRET)
    origin.wait_for_requests(1)
    swept = client.submit(call, port, f"{CRON}?max_seconds=200", token=SECRET)
    origin.wait_for_requests(2)

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    assert one.result().json["status"] == "pending"
    assert swept.result().json["released"] == 1
    for row in all_rows(producer):
        assert (row["status"], row["attempts"], row["claim_token"]) == ("pending", 0, None)


def test_a_database_that_is_silent_is_told_and_not_waited_for(
    own_url: str, own_server: OwnPostgres, start_worker: StartWorker, port: int
) -> None:
    """It accepts connections and never answers, which is the worst case."""
    worker: RunningWorker = start_worker(DATABASE_URL=own_url)
    worker.wait_for_log("listening for new rows")
    eventually(lambda: call(port, "/api/health/worker").status == 200)
    with own_server.frozen():
        # Counts from a moment ago are served for a moment.
        eventually(lambda: call(port, "/api/health/worker").status == 503)
        for _ in range(3):
            reply = call(port, "/api/health/worker", token=SECRET)
            assert (reply.status, reply.json["reasons"]) == (503, ["the database does not answer"])
        assert "storyboard_database_up 0.0" in call(port, "/metrics").text
        row = call(port, "/api/storyboards/5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a")
        assert row.status == 503
        assert healthz(port).status == 200
    eventually(lambda: call(port, "/api/health/worker").status == 200, timeout_seconds=60)


def test_slow_clients_harm_neither_the_loop_nor_health(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, port: int
) -> None:
    start_worker().wait_for_log("listening for new rows")
    done = threading.Event()
    with ExitStack() as stack:
        crowd = [stack.enter_context(connect(port)) for _ in range(250)]
        for sock in crowd[:50]:
            # The clients ask and never read.
            sock.sendall(b"GET /metrics HTTP/1.1\r\n\r\n" * 50)

        def drip() -> None:
            while not done.wait(0.5):
                for sock in crowd[50:]:
                    with suppress(OSError):
                        sock.sendall(b"G")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            enqueue_panels(producer, origin, 20)
            assert healthz(port).status == 200
            assert call(port, "/api/health/worker").status == 200
            wait_for_statuses(producer, ready=20)
            assert healthz(port).status == 200
        finally:
            done.set()
            dripping.join()
