"""A database that takes a statement and never answers does not hold a sweep for ever."""

import subprocess
import sys
import threading

import psycopg

from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.support.own_postgres import OwnPostgres
from tests.support.panels import enqueue_panels
from tests.support.process_environment import environment
from tests.support.sentry_server import SentryServer


def test_it_ends_hard_and_tells(
    own_server: OwnPostgres,
    own_url: str,
    origin: Origin,
    settings: dict[str, str],
    sentry: SentryServer,
) -> None:
    with psycopg.connect(own_server.dsn, autocommit=True) as producer:
        enqueue_panels(producer, origin, 2, [Hang(threading.Event())])
    process = subprocess.Popen(
        [sys.executable, "-m", "storyboard_worker", "sweep", "--max-seconds", "4"],
        env=environment({**settings, "DATABASE_URL": own_url, "SENTRY_DSN": sentry.dsn}),
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        origin.wait_for_requests(2)
        with own_server.frozen():
            _, said = process.communicate(timeout=40)
    assert process.returncode == 69
    assert "Error: the database does not answer" in said
    (event,) = sentry.events
    assert event["tags"]["alarm"] == "database"
    assert event["contexts"]["alarm"]["next_step"] == "storyboard-worker doctor"
