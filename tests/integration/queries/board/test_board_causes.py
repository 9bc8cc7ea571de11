"""Why rows failed, by code and host."""

from datetime import timedelta
from uuid import UUID

import psycopg

from storyboard_worker.database import Database
from storyboard_worker.queries.board import causes as queries
from storyboard_worker.queries.board.causes import BoardCauses, FailedCause, FailedCauses
from tests.support.producing import A_MOMENT, FAILED, READY, WAITING, enqueue, moment

HOUR = timedelta(hours=1)


def fail(
    producer: psycopg.Connection, code: str, host: str, hours: int, event: str | None = None
) -> UUID:
    return enqueue(
        producer,
        f"https://{host}/x",
        **{
            **FAILED,
            "error_code": code,
            "sentry_event_id": event,
            "errored_at": A_MOMENT + hours * HOUR,
            "created_at": A_MOMENT + hours * HOUR,
        },
    )


def test_none(causes: BoardCauses, producer: psycopg.Connection) -> None:
    enqueue(producer, **READY)
    enqueue(producer, **WAITING)
    assert causes.read() == FailedCauses([], are_all=True)


def test_each_code_and_host_the_latest_first(
    causes: BoardCauses, producer: psycopg.Connection
) -> None:
    fail(producer, "source_timeout", "a.example", 1, "old")
    fail(producer, "source_timeout", "B.example:8443", 2)
    newest = fail(producer, "source_timeout", "a.example", 5, "new")
    fail(producer, "source_timeout", "a.example", 3, "middle")
    fail(producer, "worker_lost", "a.example", 9)
    found = causes.read()
    assert found.are_all
    assert [(cause.error_code, cause.host, cause.count) for cause in found.causes] == [
        ("worker_lost", "a.example", 1),
        ("source_timeout", "a.example", 3),
        ("source_timeout", "b.example", 1),
    ]
    assert found.causes[1] == FailedCause(
        error_code="source_timeout",
        host="a.example",
        count=3,
        is_exact=True,
        first=A_MOMENT + HOUR,
        last=A_MOMENT + 5 * HOUR,
        sample_id=newest,
        sentry_event_id="new",
    )


def test_a_large_cause_is_counted_up_to_a_bound(
    database: Database, producer: psycopg.Connection
) -> None:
    for hour in range(10):
        fail(producer, "source_timeout", "a.example", hour)
    fail(producer, "source_timeout", "b.example", 0)
    large, small = BoardCauses(database, most_counted=8).read().causes
    assert (large.count, large.is_exact, large.last) == (4, False, A_MOMENT + 9 * HOUR)
    assert (small.count, small.is_exact) == (1, True)


def test_only_so_many_causes_are_listed(causes: BoardCauses, producer: psycopg.Connection) -> None:
    now = moment(producer)
    for number in range(queries.MOST_CAUSES):
        enqueue(producer, f"https://{number}.example/x", **{**FAILED, "errored_at": now})
    assert causes.read().are_all
    enqueue(producer, "https://one-more.example/x", **FAILED)
    found = causes.read()
    assert (len(found.causes), found.are_all) == (queries.MOST_CAUSES, False)
