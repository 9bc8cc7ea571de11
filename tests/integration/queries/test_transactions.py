"""Each transaction is short: bounded on all sides, and never left open."""

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.errors import DatabaseUnavailable, DataRefused
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.rows import StoryboardRows
from tests.support.producing import enqueue
from tests.support.watching import count, until

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
WORKERS = f"{OTHERS} AND application_name = 'storyboard-worker'"


def test_a_statement_that_takes_too_long(dsn: str) -> None:
    """The server gives the statement up, and the connection is kept."""
    database = Database(dsn, max_connections=1, timeout_seconds=0.5)
    with database.transaction() as connection:
        before = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    with (
        pytest.raises(DatabaseUnavailable, match="statement timeout"),
        database.transaction() as connection,
    ):
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() == before
    database.close()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "12s"),
        ("lock_timeout", "500ms"),
        ("idle_in_transaction_session_timeout", "12s"),
    ],
)
def test_time_outs_hold_for_the_transaction_alone(
    one_connection: Database, setting: str, value: str
) -> None:
    with one_connection.transaction() as connection:
        assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == value
    with one_connection.connect() as connection:
        assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == "0"


def test_a_locked_row_is_not_waited_for_long(
    dsn: str, database: Database, producer: psycopg.Connection
) -> None:
    enqueue(producer)
    with psycopg.connect(dsn) as holder:
        holder.execute("SELECT FROM storyboards FOR UPDATE")
        with (
            pytest.raises(DatabaseUnavailable, match="lock timeout"),
            database.transaction() as connection,
        ):
            connection.exec_driver_sql("UPDATE storyboards SET priority = 1")


def test_rows_of_a_machine_that_vanished_are_free_again(
    dsn: str, producer: psycopg.Connection
) -> None:
    """The machine stays within a transaction and sends nothing more."""
    enqueue(producer)
    free: list[bool] = []
    database = Database(dsn, max_connections=1, timeout_seconds=0.5)

    def vanish() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("SELECT FROM storyboards FOR UPDATE")
            until(lambda: count(producer, f"SELECT count(*) {WORKERS}") == 0)
            producer.execute("SELECT FROM storyboards FOR UPDATE NOWAIT")
            free.append(True)
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(DatabaseUnavailable):
        vanish()
    assert free
    database.close()


def test_an_error_within_leaves_no_transaction_open(
    one_connection: Database, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(producer)

    def work() -> None:
        with one_connection.transaction() as connection:
            connection.exec_driver_sql("UPDATE storyboards SET priority = 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    states = producer.execute(f"SELECT state {WORKERS}").fetchall()
    assert states == [("idle",)]
    row = producer.execute(
        "SELECT priority FROM storyboards WHERE id = %s FOR UPDATE NOWAIT", [storyboard_id]
    ).fetchone()
    assert row == (0,)


def test_a_refused_statement_leaves_no_transaction_open(
    one_connection: Database, producer: psycopg.Connection
) -> None:
    with pytest.raises(DataRefused, match="storyboards_source_url_check"):
        StoryboardRows(one_connection).enqueue(["ftp://images.example/a"])
    assert producer.execute(f"SELECT state {WORKERS}").fetchall() == [("idle",)]
    assert len(StoryboardRows(one_connection).enqueue(["https://images.example/a"])) == 1


def test_nothing_is_prepared_on_the_server(
    one_connection: Database,
) -> None:
    counts = StoryboardCounts(one_connection)
    for _ in range(10):
        counts.read()
    with one_connection.transaction() as connection:
        prepared = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
        assert prepared.scalar() == 0
