"""Alarms about upstreams that refuse, and about lacks of a worker."""

import psycopg

from storyboard_worker.database import Database
from storyboard_worker.errors import Resource, ResourceExhausted
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.alarms import Alarms
from tests.integration.worker.passing_time import (
    MAX_WAIT_SECONDS,
    time_passes,
    wait_for,
    worker,
)
from tests.support.producing import moment
from tests.support.sentry_server import SentryServer


def test_an_upstream_that_goes_on_refusing(alarms: Alarms, producer: psycopg.Connection) -> None:
    worker(producer, paused=["cloudinary"])
    # Rows that wait for the upstream do not make the worker a stalled one.
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    assert alarms.watch() == [], "its beginning was told by the worker"
    time_passes(producer, 300)
    (message,) = alarms.watch()
    assert message == "cloudinary refuses all rows, as it did 300 s ago"
    assert alarms.watch() == []


def test_an_upstream_that_was_well_in_between(alarms: Alarms, producer: psycopg.Connection) -> None:
    for paused in (["cloudinary"], [], ["cloudinary"]):
        producer.execute("DELETE FROM storyboard_workers")
        worker(producer, paused=paused)
        assert alarms.watch() == []
        time_passes(producer, 300)


class TestSweepsAlone:
    """No worker runs that could tell of an upstream."""

    def test_that_it_goes_on(self, alarms: Alarms, producer: psycopg.Connection) -> None:
        assert alarms.met(["cloudinary"]) == []
        time_passes(producer, 300)
        assert len(alarms.met(["cloudinary"])) == 1
        assert alarms.met(["cloudinary"]) == []

    def test_not_when_it_was_well_in_between(
        self, alarms: Alarms, producer: psycopg.Connection
    ) -> None:
        for paused in (["cloudinary"], ["images.example"], ["cloudinary"]):
            assert alarms.met(paused) == []
            time_passes(producer, 300)

    def test_with_a_worker_a_sweep_tells_of_no_upstream(
        self, alarms: Alarms, producer: psycopg.Connection
    ) -> None:
        worker(producer)
        alarms.met(["cloudinary"])
        time_passes(producer, 300)
        assert alarms.met(["cloudinary"]) == []


def test_an_upstream_of_long_ago_is_forgotten(alarms: Alarms, producer: psycopg.Connection) -> None:
    worker(producer)
    long_ago = moment(producer, -200_000)
    producer.execute("INSERT INTO storyboard_alarms VALUES ('old', %s, %s)", [long_ago, long_ago])
    alarms.watch()
    assert producer.execute("SELECT name FROM storyboard_alarms").fetchall() == []


def test_a_lack_of_a_worker_is_told_once_an_hour_with_what_is_lacking(
    alarms: Alarms, sentry: SentryServer, reporter: Reporter, producer: psycopg.Connection
) -> None:
    for _ in range(3):
        alarms.lacking(ResourceExhausted(Resource.SPOOL, "ENOSPC: no space left on device"))
    reporter.close()
    (event,) = sentry.events
    assert event["tags"]["alarm"] == "resources"
    assert "lacks room for the spool (ENOSPC" in str(event)
    assert "TMPDIR" in str(event)
    (message,) = alarms.take_lacks()
    assert message.startswith("This worker lacks room for the spool")
    assert alarms.take_lacks() == []
    raised = producer.execute("SELECT name FROM storyboard_alarms").fetchall()
    assert raised == [("resources",)]


def test_another_worker_has_told_it(
    alarms: Alarms, database: Database, reporter: Reporter, sentry: SentryServer
) -> None:
    assert AlarmRegister(database).raise_once("resources", every_seconds=3600)
    alarms.lacking(ResourceExhausted(Resource.THREADS, "none"))
    reporter.close()
    assert sentry.events == []


def test_a_lack_is_told_without_the_database(
    alarms: Alarms, database: Database, reporter: Reporter, sentry: SentryServer
) -> None:
    """The same lack may prevent a connection to the database."""
    away = Alarms(
        AlarmRegister(Database("host=127.0.0.1 port=1", timeout_seconds=1)),
        WorkerRegister(database, lease_seconds=60),
        reporter,
        max_wait_seconds=MAX_WAIT_SECONDS,
    )
    for _ in range(2):
        away.lacking(ResourceExhausted(Resource.DESCRIPTORS, "EMFILE"))
    reporter.close()
    (event,) = sentry.events
    assert event["tags"]["alarm"] == "resources"
