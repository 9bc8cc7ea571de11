"""Waiting until a condition becomes true, without sleeping for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

LOOK_SECONDS = 0.03
PATIENCE_SECONDS = 30.0

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], timeout_seconds: float = PATIENCE_SECONDS) -> Found:
    """The first true answer of ``look``; it fails with the last answer."""
    ends_at = time.monotonic() + timeout_seconds
    while not (found := look()):
        assert time.monotonic() < ends_at, f"still {found!r} after {timeout_seconds} s"
        time.sleep(LOOK_SECONDS)
    return found


def holds(look: Callable[[], bool], timeout_seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether ``look`` becomes true in time."""
    ends_at = time.monotonic() + timeout_seconds
    while not (found := look()) and time.monotonic() < ends_at:
        time.sleep(LOOK_SECONDS)
    return found


def statuses(connection: psycopg.Connection) -> dict[str, int]:
    """How many storyboards there are in each status."""
    found = connection.execute("SELECT status, count(*) FROM storyboards GROUP BY status")
    return dict(found.fetchall())


def wait_for_statuses(
    connection: psycopg.Connection, timeout_seconds: float = PATIENCE_SECONDS, **wanted: int
) -> None:
    """Wait until exactly so many storyboards are in each status: ``ready=3, failed=1``."""
    ends_at = time.monotonic() + timeout_seconds
    while (found := statuses(connection)) != wanted:
        assert time.monotonic() < ends_at, f"still {found} after {timeout_seconds} s"
        time.sleep(LOOK_SECONDS)
