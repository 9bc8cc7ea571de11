"""The alarms of a sweep, and how often they are raised."""

import json
from collections.abc import Collection, Iterator
from datetime import timedelta

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.errors import Resource, ResourceExhausted
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.alarms import Alarms
from tests.support.producing import FAILED, change, enqueue, moment
from tests.support.sentry_reports import reporting_to
from tests.support.sentry_server import SentryServer

MAX_WAIT_SECONDS = 300
LONG = timedelta(hours=2)


@pytest.fixture
def reporter(sentry: SentryServer) -> Iterator[Reporter]:
    with reporting_to(sentry) as reporter:
        yield reporter


@pytest.fixture
def alarms(database: Database, reporter: Reporter) -> Alarms:
    return Alarms(
        AlarmRegister(database),
        WorkerRegister(database, lease_seconds=60),
        reporter,
        max_wait_seconds=MAX_WAIT_SECONDS,
    )


def worker(
    producer: psycopg.Connection,
    *,
    started_ago: timedelta = LONG,
    paused: Collection[str] = (),
) -> None:
    until = moment(producer, 30).isoformat()
    producer.execute(
        "INSERT INTO storyboard_workers "
        "(worker_id, hostname, pid, version, concurrency, started_at, paused) "
        "VALUES ('worker-1', 'host-1', 17, '0.1.0', 16, now() - %s, %s)",
        [started_ago, json.dumps(dict.fromkeys(paused, until))],
    )


def wait_for(producer: psycopg.Connection, seconds: float) -> None:
    enqueue(producer, available_at=moment(producer, -seconds))


def time_passes(producer: psycopg.Connection, seconds: float) -> None:
    producer.execute(
        "UPDATE storyboard_alarms SET raised_at = raised_at - %(ago)s, "
        "seen_at = seen_at - %(ago)s, last_seen_at = last_seen_at - %(ago)s",
        {"ago": timedelta(seconds=seconds)},
    )


def test_all_is_well(alarms: Alarms, producer: psycopg.Connection) -> None:
    worker(producer)
    wait_for(producer, 1)
    assert alarms.watch() == []


def test_a_dead_worker_is_told_once_an_hour(
    alarms: Alarms, producer: psycopg.Connection, reporter: Reporter, sentry: SentryServer
) -> None:
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    (message,) = alarms.watch()
    assert message.endswith("and no worker is alive")
    assert alarms.watch() == []
    time_passes(producer, 3600)
    assert len(alarms.watch()) == 1
    reporter.close()
    assert [event["tags"]["alarm"] for event in sentry.events] == ["no_worker"] * 2
    assert "storyboard-worker status" in sentry.events[0]["contexts"]["alarm"]["next_step"]


def test_sweeps_that_keep_up_still_tell_of_a_dead_worker(
    alarms: Alarms, producer: psycopg.Connection
) -> None:
    """With a sweep every five minutes no row waits longer than that."""
    wait_for(producer, 10)
    assert alarms.watch() == []
    producer.execute("DELETE FROM storyboards")
    time_passes(producer, 290)
    wait_for(producer, 10)
    (message,) = alarms.watch()
    assert message.endswith("no worker is alive, as 290 s ago")


def test_rows_that_come_rarely_are_no_outage(alarms: Alarms, producer: psycopg.Connection) -> None:
    for _ in range(3):
        wait_for(producer, 10)
        assert alarms.watch() == []
        time_passes(producer, 1000)


def test_without_its_table_every_sweep_tells(alarms: Alarms, producer: psycopg.Connection) -> None:
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    producer.execute("ALTER TABLE storyboard_alarms RENAME TO elsewhere")
    try:
        assert [len(alarms.watch()) for _ in range(2)] == [1, 1]
        assert alarms.met(["cloudinary"]) == []
    finally:
        producer.execute("ALTER TABLE elsewhere RENAME TO storyboard_alarms")


def test_the_next_outage_is_told_at_once(alarms: Alarms, producer: psycopg.Connection) -> None:
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    assert len(alarms.watch()) == 1
    worker(producer, started_ago=timedelta(seconds=5))
    assert alarms.watch() == []
    producer.execute("DELETE FROM storyboard_workers")
    assert len(alarms.watch()) == 1


def test_workers_that_beat_but_take_nothing_are_stalled(
    alarms: Alarms, producer: psycopg.Connection
) -> None:
    worker(producer)
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    (message,) = alarms.watch()
    assert "1 worker(s) beat but take nothing" in message
    assert alarms.watch() == []


@pytest.mark.parametrize("state", ["processing", "ready", "failed"])
def test_a_worker_that_takes_rows_is_not_stalled(
    alarms: Alarms, producer: psycopg.Connection, state: str
) -> None:
    worker(producer)
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    busy = enqueue(producer)
    columns = {
        "processing": "status = 'processing', claim_token = gen_random_uuid(), claimed_by = 'w', "
        "claimed_at = now(), lease_expires_at = now() + interval '1 minute'",
        "ready": "status = 'ready', cdn_url = 'https://images.example/a.jpg'",
        "failed": "status = 'failed', error_code = 'unexpected', error_message = 'x', "
        "errored_at = now()",
    }
    producer.execute(f"UPDATE storyboards SET {columns[state]} WHERE id = %s", [busy])
    assert alarms.watch() == []


def test_a_worker_that_has_just_started_is_not_stalled(
    alarms: Alarms, producer: psycopg.Connection
) -> None:
    worker(producer, started_ago=timedelta(seconds=20))
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    assert alarms.watch() == []


def test_links_that_die_within_two_hours(alarms: Alarms, producer: psycopg.Connection) -> None:
    worker(producer)
    enqueue(producer, source_expires_at=moment(producer, 3600))
    enqueue(producer, source_expires_at=moment(producer, 7100))
    enqueue(producer, source_expires_at=moment(producer, 7300))
    failed = enqueue(producer, source_expires_at=moment(producer, 1800))
    change(producer, failed, **FAILED)
    (message,) = alarms.watch()
    assert message.startswith("The links of 2 waiting storyboard(s) die within two hours")
    assert message.endswith("the first in 60 min")
    assert alarms.watch() == []


def test_an_upstream_that_goes_on_refusing(alarms: Alarms, producer: psycopg.Connection) -> None:
    worker(producer, paused=["cloudinary"])
    # Rows that wait for the upstream do not make the worker a stalled one.
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    assert alarms.watch() == [], "its beginning was told by the worker"
    time_passes(producer, 300)
    (message,) = alarms.watch()
    assert message == "cloudinary refuses everybody, as it did 300 s ago"
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
