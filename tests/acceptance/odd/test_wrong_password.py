"""A password that the server refuses is tried ever more rarely, by one thread."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from storyboard_worker.demo.origin import Origin
from tests.acceptance.odd.forwarder import Forwarder, forwarding, server_socket
from tests.support.database_url import url_of
from tests.support.own_postgres import OwnPostgres
from tests.support.panels import enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, wait_for_statuses

# All times are halved: 0.5, 1, 2, 4 s, and the alarm after 2 s instead of a minute.
HURRIED = """
from storyboard_worker.database import refusals
from storyboard_worker.worker import outage
refusals.FIRST_WAIT_SECONDS = 0.5
outage.ALARM_AFTER_SECONDS = 2.0
"""
WAITS_SECONDS = (0.5, 1.0, 2.0)


@pytest.fixture
def producer(own_server: OwnPostgres) -> Iterator[psycopg.Connection]:
    """As a superuser whom the server trusts; the worker's role needs a password."""
    with psycopg.connect(own_server.dsn, autocommit=True) as connection:
        found = connection.execute("SHOW hba_file").fetchone()
        assert found is not None
        rules = Path(found[0])
        rules.write_text(f"local all worker scram-sha-256\n{rules.read_text()}")
        connection.execute("CREATE ROLE worker SUPERUSER LOGIN PASSWORD 'right'")
        connection.execute("SELECT pg_reload_conf()")
        yield connection


@pytest.fixture
def name(own_server: OwnPostgres) -> Iterator[Forwarder]:
    with forwarding(server_socket(own_server.dsn)) as forwarder:
        yield forwarder


def test_it_is_asked_ever_more_rarely_until_it_is_right(
    own_server: OwnPostgres,
    producer: psycopg.Connection,
    name: Forwarder,
    origin: Origin,
    start_worker: StartWorker,
    sentry: SentryServer,
) -> None:
    enqueue_panels(producer, origin, 3)
    url = url_of(name.dsn(own_server.dsn)).replace("//postgres:", "//worker:mistyped")
    worker = start_worker(HURRIED, DATABASE_URL=url, SENTRY_DSN=sentry.dsn)
    [waits] = worker.wait_for_log("waiting for the database")
    assert "password authentication failed" in str(waits)
    eventually(lambda: len(name.connected_at) > 1 and waited(name)[-1] > WAITS_SECONDS[-1] - 0.1)
    # At first several threads ask at once, each of them once.
    asked_again = [seconds for seconds in waited(name) if seconds > WAITS_SECONDS[0] - 0.1]
    assert len(name.connected_at) - len(asked_again) <= 4
    for seconds, least in zip(asked_again, WAITS_SECONDS, strict=True):
        assert least - 0.1 < seconds < least * 2 + 1
    [alarm] = eventually(lambda: [e for e in sentry.events if "alarm" in e["tags"]])
    assert alarm["tags"]["alarm"] == "database"
    assert "password authentication failed" in str(alarm["contexts"]["alarm"])
    assert "mistyped" not in "".join(str(event) for event in [*sentry.events, *worker.log])
    producer.execute("ALTER ROLE worker PASSWORD 'mistyped'")
    asked = len(name.connected_at)
    wait_for_statuses(producer, 15.0, ready=3)
    worker.wait_for_log("listening for new rows")
    # At most the connections that it works with: those of the pool and of the listener.
    assert len(name.connected_at) - asked <= 5


def waited(name: Forwarder) -> list[float]:
    """The seconds between one connection and the next."""
    times = name.connected_at
    return [later - earlier for earlier, later in pairwise(times)]
