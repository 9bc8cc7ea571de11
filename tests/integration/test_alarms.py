"""What a sweep raises an alarm for, and how often."""

import json
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from storyboard_worker.alarms import Alarms
from storyboard_worker.database import Database
from storyboard_worker.errors import ErrorCode
from storyboard_worker.pauses import Trouble
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter
from tests.integration.producing import FAILED, change, enqueue, moment
from tests.integration.reporting import reporting_to
from tests.integration.sentry_server import SentryServer

MAX_WAIT_SECONDS = 300
LONG = timedelta(hours=2)
CLOUDINARY_REFUSES = Trouble("cloudinary", ErrorCode.STORAGE_UNAUTHORIZED, 1.0)


@pytest.fixture
def dsn(emptied_dsn: str, lasting: psycopg.Connection) -> Iterator[str]:
    yield emptied_dsn
    lasting.execute("DELETE FROM storyboard_alarms")


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
    seen_ago: timedelta = timedelta(0),
    troubled: dict[str, timedelta] | None = None,
) -> None:
    since = {name: moment(producer, -ago.total_seconds()) for name, ago in (troubled or {}).items()}
    producer.execute(
        "INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, "
        "started_at, last_seen_at, troubled) VALUES "
        "('worker-1', 'host-1', 17, '0.1.0', 16, now() - %s, now() - %s, %s)",
        [
            started_ago,
            seen_ago,
            json.dumps({name: since_when.isoformat() for name, since_when in since.items()}),
        ],
    )


def wait_for(producer: psycopg.Connection, seconds: float) -> None:
    enqueue(producer, available_at=moment(producer, -seconds))


def an_hour_passes(producer: psycopg.Connection) -> None:
    producer.execute(
        "UPDATE storyboard_alarms SET raised_at = raised_at - interval '1 hour', "
        "seen_at = seen_at - interval '1 hour'"
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
    an_hour_passes(producer)
    assert len(alarms.watch()) == 1
    reporter.close()
    assert [event["tags"]["alarm"] for event in sentry.events] == ["no_worker"] * 2
    assert "storyboard-worker status" in sentry.events[0]["contexts"]["alarm"]["next_step"]


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


@pytest.mark.parametrize(("seconds", "raised"), [(200, 0), (400, 1)])
def test_an_upstream_that_has_refused_for_long(
    alarms: Alarms, producer: psycopg.Connection, seconds: float, raised: int
) -> None:
    worker(producer, troubled={"cloudinary": timedelta(seconds=seconds)})
    # Rows that wait for it are not a stalled worker.
    wait_for(producer, MAX_WAIT_SECONDS + 10)
    messages = alarms.watch()
    assert [message.split(" for ")[0] for message in messages] == [
        "cloudinary has refused everybody"
    ] * raised


class TestSweepsAlone:
    """No worker is there that could tell of an upstream."""

    def test_one_refusal_is_no_alarm_yet(self, alarms: Alarms) -> None:
        assert alarms.met([CLOUDINARY_REFUSES]) == []

    def test_that_it_goes_on_is(self, alarms: Alarms, producer: psycopg.Connection) -> None:
        alarms.met([CLOUDINARY_REFUSES])
        an_hour_passes(producer)
        assert len(alarms.met([CLOUDINARY_REFUSES])) == 1
        assert alarms.met([CLOUDINARY_REFUSES]) == []

    def test_not_when_it_was_well_in_between(
        self, alarms: Alarms, producer: psycopg.Connection
    ) -> None:
        alarms.met([CLOUDINARY_REFUSES])
        an_hour_passes(producer)
        assert alarms.met([]) == []
        assert alarms.met([CLOUDINARY_REFUSES]) == []

    def test_a_limited_rate_is_none(self, alarms: Alarms, producer: psycopg.Connection) -> None:
        limited = Trouble("images.example", ErrorCode.SOURCE_RATE_LIMITED, 1.0)
        alarms.met([limited])
        an_hour_passes(producer)
        assert alarms.met([limited]) == []


def test_what_was_long_ago_is_forgotten(alarms: Alarms, producer: psycopg.Connection) -> None:
    producer.execute("INSERT INTO storyboard_alarms VALUES ('old', now() - interval '2 days')")
    alarms.watch()
    assert producer.execute("SELECT name FROM storyboard_alarms").fetchall() == []
