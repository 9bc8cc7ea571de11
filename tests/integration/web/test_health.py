"""Health reports progress, not the presence of a process."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.errors import ErrorCode
from tests.integration.web.served import AWAY, SECRET, Serve, Served
from tests.support.attempts import new_claim, source_error
from tests.support.producing import FAILED, PROCESSING, READY, enqueue, moment

NOTHING = {"waiting": 0, "processing": 0, "ready": 0, "failed": 0, "oldest_waiting_seconds": 0.0}
HEALTH = "/api/health/worker"
Alive = Callable[..., None]


def test_a_healthy_worker(served: Served, alive: Alive) -> None:
    alive()
    reply = served.get(HEALTH, token=SECRET)
    assert (reply.status, reply.json) == (
        200,
        {"healthy": True, "stats": {**NOTHING, "workers": 1}, "reasons": [], "paused": []},
    )


@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_the_secret_it_names_no_host_and_no_worker(
    served: Served, alive: Alive, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    """It holds for every cause, and for the other open routes."""
    alive(paused='{"images.example": "2026-01-02T03:04:05+00:00"}')
    breakers = served.http._parts.breakers
    breakers.failed(
        new_claim(), source_error(ErrorCode.SOURCE_RATE_LIMITED, retry_after_seconds=600)
    )
    reply = served.get(HEALTH, token=token)
    assert reply.json == {"healthy": True, "stats": {**NOTHING, "workers": 1}}
    served.worker._crew.watchdog._loop.silent_seconds = 50.0
    later = time.monotonic() + 301
    monkeypatch.setattr(breakers, "_clock", lambda: later)
    reply = served.get(HEALTH, token=token)
    assert reply.status == 503
    assert reply.json == {"healthy": False, "stats": {**NOTHING, "workers": 1}}
    told = [served.get(path, token=token).text for path in ("/healthz", "/metrics")]
    assert "storyboard_upstream_paused_seconds{" in told[1]
    assert not [text for text in told if "images.example" in text or "worker-1" in text]


def test_it_counts(served: Served, producer: psycopg.Connection, alive: Alive) -> None:
    alive()
    for columns in (FAILED, FAILED, READY, PROCESSING):
        enqueue(producer, **columns)
    enqueue(producer, available_at=moment(producer, -20))
    stats = served.get(HEALTH, token=SECRET).json["stats"]
    assert 20 <= stats.pop("oldest_waiting_seconds") < 300
    assert stats == {"waiting": 1, "processing": 1, "ready": 1, "failed": 2, "workers": 1}


@pytest.mark.parametrize(
    ("rows", "seen_ago", "reason"),
    [
        ([{}, {}, {}], 0, r"3 storyboards wait \(HEALTH_MAX_WAITING is 2\)"),
        # It looks some seconds later on a busy machine.
        ([{"due": -900}], 0, r"the oldest has waited for 9.. s \(HEALTH_MAX_WAIT_SECONDS is 60\)"),
        ([], 61, r"no worker is alive: none was seen for 60 s \(LEASE_SECONDS\)"),
    ],
    ids=["too many", "too long", "no worker"],
)
def test_an_exceeded_limit_is_named(
    serve: Serve,
    producer: psycopg.Connection,
    alive: Alive,
    rows: list[dict[str, float]],
    seen_ago: float,
    reason: str,
) -> None:
    served = serve(health_max_waiting=2, health_max_wait_seconds=60)
    alive(timedelta(seconds=seen_ago))
    for row in rows:
        enqueue(producer, available_at=moment(producer, row.get("due", 0)))
    reply = served.get(HEALTH, token=SECRET)
    assert reply.status == 503
    assert reply.json["healthy"] is False
    (told,) = reply.json["reasons"]
    assert re.fullmatch(reason, told)


def test_both_routes_report_a_silent_loop(served: Served, alive: Alive) -> None:
    alive()
    served.worker._crew.watchdog._loop.silent_seconds = 40.0
    assert served.get("/healthz").status == 200
    served.worker._crew.watchdog._loop.silent_seconds = 50.0
    reason = "no progress of the claim loop for 50 s (limit 45 s)"
    reply = served.get("/healthz")
    assert (reply.status, reply.json) == (503, {"ok": False, "reason": reason})
    reply = served.get(HEALTH, token=SECRET)
    assert (reply.status, reply.json["reasons"]) == (503, [reason])
    assert reply.json["stats"] == {**NOTHING, "workers": 1}


def test_a_short_pause_is_no_reason(served: Served, alive: Alive) -> None:
    alive(paused='{"cloudinary": "2026-01-02T03:04:05+00:00"}')
    reply = served.get(HEALTH, token=SECRET)
    assert (reply.status, reply.json["paused"]) == (
        200,
        [
            {
                "upstream": "cloudinary",
                "until": "2026-01-02T03:04:05+00:00",
                "worker_id": "worker-1",
            }
        ],
    )


def test_a_long_pause_is_a_reason(
    served: Served, alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are given back start to wait again each time, so they never grow old."""
    alive()
    breakers = served.http._parts.breakers
    limited = source_error(ErrorCode.SOURCE_RATE_LIMITED, retry_after_seconds=600)
    breakers.failed(new_claim(), limited)
    later = time.monotonic() + 301
    monkeypatch.setattr(breakers, "_clock", lambda: later)
    reply = served.get(HEALTH, token=SECRET)
    assert reply.status == 503
    assert reply.json["reasons"] == ["images.example has been paused for 301 s"]


def test_a_database_that_is_away(serve: Serve) -> None:
    served = serve(database_dsn=AWAY)
    reply = served.get(HEALTH, token=SECRET)
    assert reply.status == 503
    assert reply.json == {
        "healthy": False,
        "stats": dict.fromkeys([*NOTHING, "workers"]),
        "reasons": ["the database does not answer"],
        "paused": [],
    }
    assert served.get("/healthz").status == 200
    row = served.get("/api/storyboards/5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a")
    assert (row.status, row.json) == (503, {"error": "the database does not answer"})


def test_a_database_without_tables(serve: Serve, empty_dsn: str) -> None:
    reply = serve(database_dsn=empty_dsn).get(HEALTH, token=SECRET)
    assert reply.status == 503
    assert reply.json["reasons"] == ["the database is not migrated: storyboard-worker migrate"]


def test_a_flood_of_requests_costs_one_look(
    served: Served, alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive()
    looks: list[str] = []
    asked, go_on = threading.Event(), threading.Event()
    real = Database.transaction

    def counted(self: Database) -> Any:
        looks.append(threading.current_thread().name)
        asked.set()
        assert go_on.wait(30)
        return real(self)

    monkeypatch.setattr(Database, "transaction", counted)
    with ThreadPoolExecutor(30) as clients:
        replies = [clients.submit(served.get, HEALTH) for _ in range(30)]
        assert asked.wait(30)
        go_on.set()
        assert {reply.result().status for reply in replies} == {200}
    # Counts and register are read together.
    assert looks == ["cached read", "cached read"]
