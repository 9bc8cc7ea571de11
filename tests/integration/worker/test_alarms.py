"""The alarms of a sweep, and how often they are raised."""

from datetime import timedelta

import psycopg
import pytest

from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.alarms import Alarms
from tests.integration.worker.passing_time import (
    MAX_WAIT_SECONDS,
    time_passes,
    wait_for,
    worker,
)
from tests.support.producing import FAILED, change, enqueue, moment
from tests.support.sentry_server import SentryServer


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
