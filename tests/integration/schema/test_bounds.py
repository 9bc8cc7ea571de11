"""No row holds a number or a moment that the worker's own statements could not handle."""

from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    FAILED,
    PENDING,
    PROCESSING,
    READY,
    change,
    enqueue,
    only,
    storyboard,
)

EARLIEST, TOO_EARLY = "1970-01-01 00:00:00+00", "1969-12-31 23:59:59.999999+00"
LATEST, TOO_LATE = "9998-12-31 23:59:59.999999+00", "9999-01-01 00:00:00+00"
FAR_OUTSIDE = ["-infinity", "infinity", "0044-03-15 12:00+00 BC", "12345-01-01 00:00+00"]

# Each moment, and a row that may have one.
MOMENTS: dict[str, dict[str, Any]] = {
    "available_at": PENDING,
    "source_expires_at": PENDING,
    "created_at": PENDING,
    "updated_at": PENDING,
    "claimed_at": PROCESSING,
    "lease_expires_at": PROCESSING,
    "errored_at": FAILED,
    "finished_at": READY,
}
REFUSED = "storyboards_(bounds|moments|attempts)_check"
MOST = 1_000_000_000

WORKER = (
    "INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, {}) "
    "VALUES ('w', 'h', 1, '1', 1, %s)"
)


@pytest.mark.parametrize("edge", [EARLIEST, LATEST])
@pytest.mark.parametrize("column", MOMENTS)
def test_a_moment_at_the_edge_is_taken(
    producer: psycopg.Connection, column: str, edge: str
) -> None:
    storyboard_id = enqueue(producer, **{**MOMENTS[column], column: edge})
    held = producer.execute(
        f"SELECT {column} = %s FROM storyboards WHERE id = %s", [edge, storyboard_id]
    )
    assert held.fetchone() == (True,)


@pytest.mark.parametrize("moment", [TOO_EARLY, TOO_LATE, *FAR_OUTSIDE])
@pytest.mark.parametrize("column", MOMENTS)
def test_a_moment_beyond_is_refused(producer: psycopg.Connection, column: str, moment: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=REFUSED):
        enqueue(producer, **{**MOMENTS[column], column: moment})


@pytest.mark.parametrize("moment", [TOO_EARLY, TOO_LATE])
@pytest.mark.parametrize("column", [name for name in MOMENTS if name != "updated_at"])
def test_an_update_beyond_is_refused(
    producer: psycopg.Connection, column: str, moment: str
) -> None:
    storyboard_id = enqueue(producer, **MOMENTS[column])
    before = storyboard(producer, storyboard_id)
    with pytest.raises(psycopg.errors.CheckViolation, match=REFUSED):
        change(producer, storyboard_id, **{column: moment})
    assert storyboard(producer, storyboard_id) == before


def test_the_edges_are_the_same_in_every_time_zone(producer: psycopg.Connection) -> None:
    producer.execute("SET TIME ZONE 'Pacific/Auckland'")
    enqueue(producer, available_at="1970-01-01 12:00+12")
    with pytest.raises(psycopg.errors.CheckViolation):
        enqueue(producer, available_at="1970-01-01 00:00")


NUMBERS: list[dict[str, Any]] = [
    {"attempts": 0},
    {"attempts": MOST},
    {"attempts": MOST, "max_attempts": MOST},
    {"max_attempts": None},
    {"max_attempts": 1},
    {"max_attempts": 2**31 - 1},
    {"priority": -32768},
    {"priority": 32767},
]
WRONG_NUMBERS: list[dict[str, Any]] = [
    # A null beside it must not make a wrong number pass.
    *({"attempts": wrong, "max_attempts": None} for wrong in (-1, MOST + 1, 2**31 - 1)),
    *({"attempts": wrong, "max_attempts": 5} for wrong in (-1, MOST + 1, 2**31 - 1)),
    *({"max_attempts": wrong} for wrong in (0, -1)),
    {"source_expires_at": None, "attempts": MOST + 1},
    {"source_expires_at": None, "available_at": TOO_LATE},
]


@pytest.mark.parametrize("numbers", NUMBERS)
def test_numbers_at_the_edge_are_taken(
    producer: psycopg.Connection, numbers: dict[str, Any]
) -> None:
    assert only(storyboard(producer, enqueue(producer, **numbers)), numbers) == numbers


@pytest.mark.parametrize("numbers", WRONG_NUMBERS)
def test_numbers_beyond_are_refused(producer: psycopg.Connection, numbers: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=REFUSED):
        enqueue(producer, **numbers)


@pytest.mark.parametrize("column", ["started_at", "last_seen_at"])
def test_the_row_of_a_worker_is_bounded_too(producer: psycopg.Connection, column: str) -> None:
    for moment in (TOO_EARLY, TOO_LATE, *FAR_OUTSIDE):
        with pytest.raises(psycopg.errors.CheckViolation, match="storyboard_workers_bounds_check"):
            producer.execute(WORKER.format(column).encode(), [moment])
    for edge in (EARLIEST, LATEST):
        producer.execute("DELETE FROM storyboard_workers")
        producer.execute(WORKER.format(column).encode(), [edge])


@pytest.mark.parametrize(
    ("query", "expiry"),
    [
        ("X-Tos-Date=19700101T000000Z&X-Tos-Expires=0", "1970-01-01 00:00+00"),
        ("X-Tos-Date=19691231T235959Z&X-Tos-Expires=0", None),
        ("X-Tos-Date=19691231T235959Z&X-Tos-Expires=999999999", None),
        ("X-Tos-Date=00010101T000000Z&X-Tos-Expires=86400", None),
        ("X-Tos-Date=99981231T235958Z&X-Tos-Expires=1", "9998-12-31 23:59:59+00"),
        ("X-Tos-Date=99981231T235959Z&X-Tos-Expires=1", None),
        ("X-Tos-Date=99991231T235959Z&X-Tos-Expires=999999999", None),
    ],
)
def test_an_expiry_in_a_url_beyond_the_bounds_is_none(
    producer: psycopg.Connection, query: str, expiry: str | None
) -> None:
    storyboard_id = enqueue(producer, f"https://images.example/a?{query}")
    held = producer.execute(
        "SELECT source_expires_at IS NOT DISTINCT FROM %s FROM storyboards WHERE id = %s",
        [expiry, storyboard_id],
    )
    assert held.fetchone() == (True,)
