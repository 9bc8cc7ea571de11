"""Workers that have registered, and rows that have waited."""

import json
from collections.abc import Collection
from datetime import timedelta

import psycopg

from tests.support.producing import enqueue, moment

MAX_WAIT_SECONDS = 300
LONG = timedelta(hours=2)


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
