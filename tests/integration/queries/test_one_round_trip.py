"""A transaction in one message is bounded like any other, and cleaned up as well."""

import psycopg
import pytest
from psycopg.rows import scalar_row
from sqlalchemy import bindparam, func, literal_column, select

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement, fixed
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import DatabaseUnavailable, DataRefused, SchemaOutdated
from tests.support.producing import enqueue

SHOW = fixed(select(func.current_setting(bindparam("name"))))
WORKERS = (
    "FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'storyboard-worker'"
)


def plain(text: str, **settings: str) -> FixedStatement:
    return FixedStatement(text, {}, settings)


def shown(database: Database, name: str) -> str:
    [value] = database.run(Call(SHOW, {"name": name}, scalar_row))
    return str(value)


@pytest.mark.parametrize(
    ("setting", "value"), [("statement_timeout", "12s"), ("lock_timeout", "500ms")]
)
def test_time_outs_hold_for_the_transaction_alone(
    one_connection: Database, setting: str, value: str
) -> None:
    assert shown(one_connection, setting) == value
    with one_connection.connect() as connection:
        assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == "0"


def test_settings_of_a_statement_hold_for_its_transaction_alone(one_connection: Database) -> None:
    statement = plain("SHOW enable_sort", enable_sort="off")
    assert one_connection.run(Call(statement, {}, scalar_row)) == ["off"]
    assert shown(one_connection, "enable_sort") == "on"


def test_a_statement_that_takes_too_long(one_connection: Database) -> None:
    """The server gives the statement up, and the connection is kept."""
    backend = Call(plain("SELECT pg_backend_pid()"), {}, scalar_row)
    before = one_connection.run(backend)
    slow = plain("SELECT pg_sleep(30)", statement_timeout="50")
    with pytest.raises(DatabaseUnavailable, match="statement timeout"):
        one_connection.run(Call(slow, {}, scalar_row))
    assert one_connection.run(backend) == before


def test_a_failure_undoes_all_and_leaves_no_transaction_open(
    one_connection: Database, producer: psycopg.Connection
) -> None:
    enqueue(producer)
    change = Call(plain("UPDATE storyboards SET priority = 1 RETURNING 1"), {}, scalar_row)
    with pytest.raises(DataRefused, match="division by zero"):
        one_connection.run_both(change, Call(plain("SELECT 1 / 0"), {}, scalar_row))
    assert producer.execute(f"SELECT state {WORKERS}").fetchall() == [("idle",)]
    assert producer.execute("SELECT priority FROM storyboards").fetchall() == [(0,)]


def test_both_results_are_told_apart(one_connection: Database) -> None:
    numbers = Call(fixed(select(literal_column("1").label("n"))), {}, scalar_row)
    texts = Call(fixed(select(bindparam("text"))), {"text": "50 % of it; SELECT 2"}, scalar_row)
    assert one_connection.run_both(numbers, texts) == ([1], ["50 % of it; SELECT 2"])


def test_connections_killed_while_they_lay_in_the_pool(
    database: Database, producer: psycopg.Connection
) -> None:
    """After a restart of the server one call fails, not one for each connection."""
    with database.transaction(), database.transaction():
        pass
    producer.execute(f"SELECT pg_terminate_backend(pid, 10000) {WORKERS}")
    with pytest.raises(DatabaseUnavailable):
        shown(database, "port")
    assert shown(database, "port")
    with database.transaction() as one, database.transaction() as other:
        one.exec_driver_sql("SELECT 1")
        other.exec_driver_sql("SELECT 1")


def test_no_server_there() -> None:
    with pytest.raises(DatabaseUnavailable):
        shown(Database("host=/nonexistent user=postgres dbname=postgres"), "port")


def test_a_missing_table(database: Database) -> None:
    with pytest.raises(SchemaOutdated, match="storyboard-worker migrate"):
        database.run(Call(plain("SELECT * FROM of_a_later_version"), {}, scalar_row))
