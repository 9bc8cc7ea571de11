"""A transaction has the worker's own settings, whatever the defaults of the database are."""

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import scalar_row

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement
from storyboard_worker.database.one_round_trip import Call

# The default of the database, and the setting in a transaction of the worker.
SETTINGS = {
    "transaction_isolation": ("default_transaction_isolation = serializable", "read committed"),
    "DateStyle": ("DateStyle = German", "ISO, DMY"),
    "TimeZone": ("TimeZone = 'Asia/Kathmandu'", "UTC"),
    "client_encoding": ("client_encoding = LATIN1", "UTF8"),
    "extra_float_digits": ("extra_float_digits = 0", "1"),
    "jit": ("jit = on", "off"),
    "statement_timeout": ("statement_timeout = '1h'", "12s"),
    "lock_timeout": ("lock_timeout = '1h'", "500ms"),
}


@pytest.fixture
def odd_database(dsn: str, producer: psycopg.Connection) -> Database:
    database = sql.Identifier(producer.info.dbname)
    for default, _ in SETTINGS.values():
        alter = sql.SQL("ALTER DATABASE {} SET ").format(database).as_string()
        producer.execute(f"{alter} {default}".encode())
    return Database(dsn)


def test_in_a_transaction(odd_database: Database) -> None:
    with odd_database.transaction() as connection:
        found = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in SETTINGS}
    odd_database.close()
    assert found == {name: ours for name, (_, ours) in SETTINGS.items()}


def test_in_one_message(odd_database: Database) -> None:
    shown = (f"current_setting('{name}')" for name in SETTINGS)
    statement = FixedStatement(f"SELECT ARRAY[{', '.join(shown)}]", {}, {})
    [found] = odd_database.run(Call(statement, {}, scalar_row))
    odd_database.close()
    assert found == [ours for _, ours in SETTINGS.values()]
