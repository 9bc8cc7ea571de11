"""Errors of the driver become the project's own at the border, and the pool recovers by itself."""

import psycopg
import pytest
from psycopg import conninfo
from sqlalchemy import Connection

from storyboard_worker.database import Database, pool
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.rows import StoryboardRows
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister


def backend(connection: Connection) -> int:
    pid: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return pid


def kill(producer: psycopg.Connection, *pids: int) -> None:
    producer.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM unnest(%s::int[]) AS pid", [list(pids)]
    )


def test_a_connection_killed_within_a_transaction(
    database: Database, producer: psycopg.Connection
) -> None:
    def work() -> None:
        with database.transaction() as connection:
            kill(producer, backend(connection))
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(DatabaseUnavailable):
        work()
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_connections_killed_while_they_lay_in_the_pool(
    database: Database, counts: StoryboardCounts, producer: psycopg.Connection
) -> None:
    """After a restart of the server one call fails, not one for each connection."""
    with database.transaction() as one, database.transaction() as other:
        pids = [backend(one), backend(other)]
    kill(producer, *pids)
    with pytest.raises(DatabaseUnavailable):
        counts.read()
    assert counts.read().waiting == 0
    assert database.errors == 1
    with database.transaction() as one, database.transaction() as other:
        assert {backend(one), backend(other)}.isdisjoint(pids)


def test_an_unmigrated_database(empty_dsn: str) -> None:
    database = Database(empty_dsn)
    queue = StoryboardQueue(database, worker_id="w", lease_seconds=60)
    calls = [
        lambda: queue.claim(1),
        StoryboardCounts(database).read,
        Upkeep(database, max_attempts=8).rescue,
        lambda: StoryboardRows(database).enqueue(["https://images.example/a"]),
        WorkerRegister(database, lease_seconds=60).alive,
    ]
    for call in calls:
        with pytest.raises(SchemaOutdated, match="storyboard-worker migrate"):
            call()
    database.close()


def test_a_missing_column(database: Database) -> None:
    with pytest.raises(SchemaOutdated), database.transaction() as connection:
        connection.exec_driver_sql("SELECT of_a_later_version FROM storyboards")


def test_no_server_there() -> None:
    database = Database("host=/nonexistent user=postgres dbname=postgres")
    with pytest.raises(DatabaseUnavailable):
        StoryboardCounts(database).read()
    with pytest.raises(DatabaseUnavailable), database.listening("storyboards"):
        pytest.fail("it cannot listen")


def test_an_unknown_database(dsn: str) -> None:
    database = Database(conninfo.make_conninfo(dsn, dbname="nowhere"))
    with pytest.raises(DatabaseUnavailable, match="nowhere"):
        StoryboardCounts(database).read()


def test_no_connection_is_free(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "POOL_TIMEOUT_SECONDS", 0.01)
    database = Database(dsn, max_connections=1)
    with (
        database.transaction(),
        pytest.raises(DatabaseUnavailable, match="no free database connection"),
    ):
        StoryboardCounts(database).read()
    database.close()


def test_a_server_that_only_reads_for_now(one_connection: Database) -> None:
    """Like a standby, until the pool has found the new primary."""
    with one_connection.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.commit()
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        StoryboardRows(one_connection).enqueue(["https://images.example/a"])


def test_rights_that_were_not_granted_yet(one_connection: Database) -> None:
    with one_connection.connect() as connection:
        connection.exec_driver_sql("SET ROLE anon")
        connection.commit()
    with pytest.raises(DatabaseUnavailable, match="permission denied"):
        StoryboardCounts(one_connection).read()


def test_a_listener_whose_connection_is_killed(
    database: Database, producer: psycopg.Connection
) -> None:
    def listen() -> None:
        with database.listening("storyboards") as connection:
            kill(producer, connection.info.backend_pid)
            list(connection.notifies(timeout=10, stop_after=1))

    with pytest.raises(DatabaseUnavailable):
        listen()
