"""The output of ``migrate --sql`` can be pasted elsewhere."""

import shutil
import subprocess

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from tests.support.catalog import catalog, version


def test_it_makes_the_same_schema(empty_dsn: str, dsn: str) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute(schema.upgrade_sql())
    assert catalog(empty_dsn) == catalog(dsn)
    assert version(empty_dsn) == version(dsn)


@pytest.mark.skipif(shutil.which("psql") is None, reason="needs psql (postgresql-client)")
def test_psql_runs_it_statement_by_statement(empty_dsn: str, dsn: str) -> None:
    subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", empty_dsn],
        input=schema.upgrade_sql(),
        text=True,
        check=True,
        capture_output=True,
        timeout=30,
    )
    assert catalog(empty_dsn) == catalog(dsn)


def test_migrate_finds_nothing_to_do_afterwards(empty: Database, empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute(schema.upgrade_sql())
    assert schema.upgrade(empty) == []


def test_it_is_one_transaction_without_session_state() -> None:
    lines = schema.upgrade_sql().split("\n")
    statements = [line for line in lines if line]
    assert statements[0] == "BEGIN;"
    assert statements[-1] == "COMMIT;"
    assert [line for line in lines if line.startswith("SET ") and "SET LOCAL" not in line] == []
