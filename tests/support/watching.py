"""Waiting for what Postgres shows of its sessions, without sleeping for a fixed time."""

import time
from collections.abc import Callable

import psycopg

PATIENCE_SECONDS = 20.0


def until(happened: Callable[[], bool]) -> None:
    """Look again and again; fail if it does not happen in time."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > end:
            raise AssertionError("what was waited for never happened")
        time.sleep(0.005)


def count(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def asking_for_the_lock(connection: psycopg.Connection) -> int:
    """How many migrations of this database ask for the lock that only one can hold."""
    return count(
        connection,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND query LIKE 'SELECT pg_try_advisory_xact_lock(%'",
    )


def waiting_for_a_lock(connection: psycopg.Connection) -> int:
    """How many sessions of this database wait for a lock."""
    return count(
        connection,
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
