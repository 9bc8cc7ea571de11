"""``storyboard-worker migrate``, as people run it."""

import psycopg

from tests.integration.migrations.commands import migrate
from tests.support.catalog import catalog
from tests.support.revisions import NEWEST, REVISIONS


def test_it_brings_the_schema_and_says_so(empty_dsn: str, dsn: str) -> None:
    assert migrate(dsn=empty_dsn) == (0, f"migrated: {', '.join(REVISIONS)}\n", "")
    assert catalog(empty_dsn) == catalog(dsn)
    assert migrate(dsn=empty_dsn) == (0, f"nothing to do: the schema is at {NEWEST}\n", "")


def test_it_prints_sql_that_runs_by_itself(empty_dsn: str, dsn: str) -> None:
    exit_code, printed, told = migrate("--sql")
    assert (exit_code, told) == (0, "")
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute(printed)
    assert catalog(empty_dsn) == catalog(dsn)
