"""An exchange that is made ready before it is needed, and sent without waiting."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import args_row

from storyboard_worker.database import Database
from storyboard_worker.database.early_exchange import EarlyExchange
from storyboard_worker.database.fixed_statement import FixedStatement
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import DatabaseUnavailable, DataRefused
from tests.support.waiting import eventually

NOTED = FixedStatement(
    "INSERT INTO notes (note) VALUES (%(note)s) RETURNING 10 / note", {}, {}, {"note": "INTEGER"}
)


def noting(number: int) -> Call[int]:
    return Call(NOTED, {"note": number}, args_row(int))


@pytest.fixture
def keeping(dsn: str) -> Iterator[Database]:
    """A pool of one connection, which keeps the plan of a note."""
    database = Database(dsn, max_connections=1)
    database.keep_plans(allowed=True)
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (note integer)")
    database.run(noting(1))
    yield database
    database.close()


def ready(database: Database, number: int) -> EarlyExchange[int]:
    early = database.early(noting(number), durable=False)
    assert early is not None
    return early


def notes(producer: psycopg.Connection) -> list[int]:
    return [row[0] for row in producer.execute("SELECT note FROM notes ORDER BY note")]


def end_sessions(producer: psycopg.Connection) -> None:
    """End all other sessions of the database."""
    producer.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND backend_type = 'client backend' "
        "AND pid <> pg_backend_pid()"
    )


def test_it_does_what_run_does(keeping: Database, producer: psycopg.Connection) -> None:
    early = ready(keeping, 2)
    early.send()
    assert early.rows() == [5]
    early.close()
    assert notes(producer) == [1, 2]
    assert keeping.run(noting(5)) == [2]


def test_nothing_happens_until_it_is_sent(keeping: Database, producer: psycopg.Connection) -> None:
    ready(keeping, 2).close()
    assert notes(producer) == [1]
    assert keeping.run(noting(5)) == [2]


def test_its_connection_is_its_own_until_it_is_over(keeping: Database) -> None:
    early = ready(keeping, 2)
    assert keeping.early(noting(3)) is None
    early.send()
    early.rows()
    assert keeping.early(noting(3)) is None
    early.close()
    ready(keeping, 3).close()


def test_it_needs_a_plan_that_the_session_keeps(dsn: str, keeping: Database) -> None:
    keeping.keep_plans(allowed=False)
    assert keeping.early(noting(2)) is None
    keeping.keep_plans(allowed=True)
    other = Call(
        FixedStatement("SELECT %(a)s::integer", {}, {}, {"a": "INTEGER"}), {}, args_row(int)
    )
    assert keeping.early(other) is None


def test_it_is_not_possible_when_plans_may_be_kept_no_more(keeping: Database) -> None:
    early = ready(keeping, 2)
    assert early.is_possible
    keeping.keep_plans(allowed=False)
    assert not early.is_possible
    early.close()


def test_it_is_not_possible_after_another_connection_broke(
    dsn: str, producer: psycopg.Connection
) -> None:
    database = Database(dsn, max_connections=2)
    database.keep_plans(allowed=True)
    producer.execute("CREATE TABLE notes (note integer)")
    database.run(noting(1))
    early = ready(database, 2)
    assert early.is_possible
    with pytest.raises(DatabaseUnavailable), database._pool.borrowed() as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert not early.is_possible
    early.close()
    database.close()


def test_a_session_that_has_lost_its_plan_does_nothing(
    keeping: Database, producer: psycopg.Connection
) -> None:
    with keeping._pool.borrowed() as connection:
        connection.execute("DEALLOCATE ALL")
    early = ready(keeping, 2)
    early.send()
    assert early.rows() is None
    assert notes(producer) == [1]
    assert keeping.early(noting(2)) is None
    assert keeping.run(noting(2)) == [5]


def test_a_refused_value_is_told(keeping: Database, producer: psycopg.Connection) -> None:
    early = ready(keeping, 0)
    early.send()
    with pytest.raises(DataRefused):
        early.rows()
    assert notes(producer) == [1]
    assert keeping.run(noting(5)) == [2]


@pytest.mark.parametrize("sent", ["before", "after"])
def test_a_session_that_ends_is_told(
    keeping: Database, producer: psycopg.Connection, sent: str
) -> None:
    producer.execute("BEGIN; LOCK TABLE notes")
    early = ready(keeping, 2)
    if sent == "before":
        early.send()
        eventually(lambda: waits_for_a_lock(producer))
        end_sessions(producer)
    else:
        end_sessions(producer)
        early.send()
    with pytest.raises(DatabaseUnavailable):
        early.rows()
    producer.execute("ROLLBACK")
    assert notes(producer) == [1]
    assert keeping.run(noting(5)) == [2]


def waits_for_a_lock(producer: psycopg.Connection) -> bool:
    found = producer.execute(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return found == (1,)


def test_the_time_of_the_exchange_counts_from_when_it_is_sent(
    dsn: str, producer: psycopg.Connection
) -> None:
    database = Database(dsn, max_connections=1)
    database.keep_plans(allowed=True)
    producer.execute("CREATE TABLE notes (note integer)")
    database.run(noting(1))
    early = ready(database, 2)
    early._connection.ends_at = 0.0  # long ago, as after a long wait
    early.send()
    assert early.rows() == [5]
    early.close()
    database.close()
