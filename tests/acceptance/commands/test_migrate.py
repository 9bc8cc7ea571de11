"""``migrate``."""

import psycopg
import pytest

from tests.support.database_url import url_of
from tests.support.revisions import NEWEST, REVISIONS
from tests.support.running_command import StoryboardWorker

pytestmark = pytest.mark.database("unmigrated")

TABLES = {
    "storyboards",
    "storyboard_alarms",
    "storyboard_attempts",
    "storyboard_departures",
    "storyboard_orphans",
    "storyboard_workers",
    "storyboard_worker_version",
}


def tables(connection: psycopg.Connection) -> set[str]:
    found = connection.execute(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    return {name for (name,) in found}


def test_creates_the_tables_and_a_second_run_does_nothing(
    without_settings: StoryboardWorker, dsn: str, producer: psycopg.Connection
) -> None:
    first = without_settings("migrate", DATABASE_URL=url_of(dsn))
    assert (first.code, first.out) == (0, f"migrated: {', '.join(REVISIONS)}\n"), first.shown()
    assert tables(producer) == TABLES

    second = without_settings("migrate", DATABASE_URL=url_of(dsn))
    assert (second.code, second.out) == (0, f"nothing to do: the schema is at {NEWEST}\n")


def test_printed_sql_needs_no_setting_and_does_the_same(
    without_settings: StoryboardWorker, dsn: str, producer: psycopg.Connection
) -> None:
    printed = without_settings("migrate", "--sql")
    assert printed.code == 0
    assert printed.err == ""

    producer.execute(printed.out.encode())
    assert tables(producer) == TABLES

    afterwards = without_settings("migrate", DATABASE_URL=url_of(dsn))
    assert (afterwards.code, afterwards.out) == (0, f"nothing to do: the schema is at {NEWEST}\n")


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["list"], ["enqueue", "https://images.example/a.jpg"], ["sweep", "--no-process"]],
    ids=lambda arguments: arguments[0],
)
def test_other_commands_name_migrate_when_the_tables_are_missing(
    without_settings: StoryboardWorker, dsn: str, arguments: list[str]
) -> None:
    refused = without_settings(*arguments, DATABASE_URL=url_of(dsn))

    assert refused.code == 1
    assert refused.out == ""
    assert len(refused.error_lines) == 1
    assert refused.error_lines[0].startswith("Error: the schema is missing")
    assert refused.error_lines[0].endswith("fix: storyboard-worker migrate")
