"""Rows that show others that a worker is alive."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.storyboard import WorkerBeat, WorkerState

BEAT = WorkerBeat(
    worker_id="worker-1",
    hostname="host-1",
    pid=4711,
    version="0.1.0",
    state=WorkerState.RUNNING,
    concurrency=16,
    in_flight=3,
    paused_seconds={},
)


def registered(producer: psycopg.Connection) -> list[dict[str, Any]]:
    with producer.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM storyboard_workers ORDER BY worker_id").fetchall()


def not_seen_for(producer: psycopg.Connection, worker_id: str, seconds: float) -> None:
    producer.execute(
        "UPDATE storyboard_workers SET last_seen_at = now() - make_interval(secs => %s) "
        "WHERE worker_id = %s",
        [seconds, worker_id],
    )


def test_the_first_beat_registers(register: WorkerRegister, producer: psycopg.Connection) -> None:
    register.beat(BEAT)
    [row] = registered(producer)
    assert row == {
        "worker_id": "worker-1",
        "hostname": "host-1",
        "pid": 4711,
        "version": "0.1.0",
        "state": "running",
        "concurrency": 16,
        "in_flight": 3,
        "paused": {},
        "started_at": row["last_seen_at"],
        "last_seen_at": row["last_seen_at"],
    }


def test_later_beats_say_how_it_is_now(
    register: WorkerRegister, producer: psycopg.Connection
) -> None:
    register.beat(BEAT)
    [first] = registered(producer)
    register.beat(replace(BEAT, state=WorkerState.DRAINING, in_flight=1))
    [row] = registered(producer)
    assert row == {
        **first,
        "state": "draining",
        "in_flight": 1,
        "last_seen_at": row["last_seen_at"],
    }
    assert row["last_seen_at"] > first["last_seen_at"]


def test_pauses_are_moments_by_the_databases_clock(
    register: WorkerRegister, producer: psycopg.Connection
) -> None:
    register.beat(replace(BEAT, paused_seconds={"images.example": 30.0, "cloudinary": 300.0}))
    [row] = registered(producer)
    ahead = {
        upstream: (datetime.fromisoformat(until) - row["last_seen_at"]).total_seconds()
        for upstream, until in row["paused"].items()
    }
    assert ahead == {"images.example": 30.0, "cloudinary": 300.0}
    register.beat(BEAT)
    assert registered(producer)[0]["paused"] == {}


def test_a_worker_is_alive_if_it_was_seen_within_a_lease(
    register: WorkerRegister, producer: psycopg.Connection
) -> None:
    for worker_id in ("c-first", "a-second", "b-silent"):
        register.beat(replace(BEAT, worker_id=worker_id))
    not_seen_for(producer, "a-second", 55)
    not_seen_for(producer, "b-silent", 65)
    alive = register.alive()
    assert [row["worker_id"] for row in alive] == ["c-first", "a-second"]
    assert alive == [
        row
        for id_ in ("c-first", "a-second")
        for row in registered(producer)
        if row["worker_id"] == id_
    ]


def test_a_silent_worker_is_alive_again_with_its_next_beat(
    register: WorkerRegister, producer: psycopg.Connection
) -> None:
    register.beat(BEAT)
    not_seen_for(producer, "worker-1", 65)
    assert register.alive() == []
    register.beat(BEAT)
    assert [row["worker_id"] for row in register.alive()] == ["worker-1"]


def test_leaving_takes_the_row(register: WorkerRegister, producer: psycopg.Connection) -> None:
    register.beat(BEAT)
    register.beat(replace(BEAT, worker_id="worker-2"))
    register.leave("worker-1")
    register.leave("unknown")
    assert [row["worker_id"] for row in registered(producer)] == ["worker-2"]


@pytest.mark.parametrize(("seconds", "forgotten"), [(3500, 0), (3700, 1)])
def test_dead_workers_are_forgotten_after_an_hour(
    register: WorkerRegister, producer: psycopg.Connection, seconds: float, forgotten: int
) -> None:
    register.beat(BEAT)
    register.beat(replace(BEAT, worker_id="worker-2"))
    not_seen_for(producer, "worker-2", seconds)
    assert register.forget_dead() == forgotten
    assert len(registered(producer)) == 2 - forgotten
    assert registered(producer)[0]["worker_id"] == "worker-1"


def test_a_listener_hears_the_payload(
    dsn: str, register: WorkerRegister, producer: psycopg.Connection
) -> None:
    producer.execute("LISTEN storyboards")
    register.notify("proof:1")
    [heard] = producer.notifies(timeout=10, stop_after=1)
    assert (heard.channel, heard.payload) == ("storyboards", "proof:1")
