"""``migrate`` makes the triggers where Realtime is, whenever it came."""

from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, live_rows, schema
from tests.support.catalog import catalog
from tests.support.producing import enqueue
from tests.support.realtime import GONE, install_realtime, sent
from tests.support.revisions import NEWEST, REVISIONS
from tests.support.stepping import downgrade_to, upgrade_to

TRIGGERS = set(live_rows.TRIGGERS)


def triggers(producer: psycopg.Connection[Any]) -> set[str]:
    found = producer.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'storyboards_send%'")
    return {row[0] for row in found}


def test_without_realtime_there_is_nothing(
    database: Database, producer: psycopg.Connection[Any]
) -> None:
    assert schema.upgrade(database) == []
    assert triggers(producer) == set()


def test_where_it_comes_later_the_next_run_adds_them_once(
    dsn: str, database: Database, producer: psycopg.Connection[Any]
) -> None:
    install_realtime(producer)
    assert schema.upgrade(database) == ["realtime"]
    assert triggers(producer) == TRIGGERS
    made = catalog(dsn)
    assert schema.upgrade(database) == []
    assert catalog(dsn) == made
    enqueue(producer, project_id="p")
    assert len(sent(producer)) == 1


@pytest.mark.database("unmigrated")
def test_where_it_is_there_the_first_run_adds_them(
    database: Database, producer: psycopg.Connection[Any]
) -> None:
    install_realtime(producer)
    assert schema.upgrade(database) == [*REVISIONS, "realtime"]
    assert triggers(producer) == TRIGGERS


@pytest.mark.database("unmigrated")
@pytest.mark.parametrize("start", [None, "0008"])
def test_printed_sql_does_the_same(
    dsn: str, database: Database, producer: psycopg.Connection[Any], start: str | None
) -> None:
    install_realtime(producer)
    if start:
        upgrade_to(database, start)
    producer.execute(schema.upgrade_sql(start).encode())
    assert triggers(producer) == TRIGGERS
    made = catalog(dsn)
    assert schema.upgrade(database) == []
    assert catalog(dsn) == made


def test_triggers_of_another_version_are_replaced(
    dsn: str, database: Database, producer: psycopg.Connection[Any]
) -> None:
    install_realtime(producer)
    schema.upgrade(database)
    made = catalog(dsn)
    producer.execute(
        """COMMENT ON TRIGGER storyboards_send_insert ON storyboards IS 'older';
        CREATE OR REPLACE FUNCTION storyboards_send() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RETURN NULL; END'"""
    )
    assert schema.upgrade(database) == ["realtime"]
    assert catalog(dsn) == made


def test_one_that_is_missing_is_made_again(
    database: Database, producer: psycopg.Connection[Any]
) -> None:
    install_realtime(producer)
    schema.upgrade(database)
    producer.execute("DROP TRIGGER storyboards_send_update ON storyboards")
    assert schema.upgrade(database) == ["realtime"]
    assert triggers(producer) == TRIGGERS


def test_where_its_function_is_gone_again_nothing_is_made(
    database: Database, producer: psycopg.Connection[Any]
) -> None:
    install_realtime(producer)
    producer.execute(GONE)
    assert schema.upgrade(database) == []
    assert triggers(producer) == set()


def test_the_function_is_closed_to_all_roles(
    database: Database, producer: psycopg.Connection[Any]
) -> None:
    producer.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS "
        "TO anon, authenticated, service_role"
    )
    install_realtime(producer)
    schema.upgrade(database)
    for role in ("anon", "authenticated", "service_role"):
        may = producer.execute(
            "SELECT has_function_privilege(%s, 'storyboards_send()', 'EXECUTE')", [role]
        )
        assert may.fetchone() == (False,), role


def test_down_and_up_again(database: Database, producer: psycopg.Connection[Any]) -> None:
    install_realtime(producer)
    schema.upgrade(database)
    downgrade_to(database, "0008")
    assert triggers(producer) == set()
    assert schema.upgrade(database)[-2:] == [NEWEST, "realtime"]
    assert triggers(producer) == TRIGGERS
