"""Sessions of the worker's own keep plans, and lose nothing when these are gone."""

import logging
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import scalar_row, tuple_row
from sqlalchemy import Integer, Text, bindparam, func, literal_column, select, table, text

from storyboard_worker.database import Database, kept_plans
from storyboard_worker.database.fixed_statement import FixedStatement, kept
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import DataRefused

PLANS = "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements"
NUMBERED = kept(select(bindparam("a", type_=Text), bindparam("b", type_=Integer) + 1))
# Adds a row, and answers with what it divides.
NOTED = FixedStatement(
    "INSERT INTO notes (note) VALUES (%(note)s) RETURNING 10 / note", {}, {}, {"note": "INTEGER"}
)


@pytest.fixture
def keeping(dsn: str) -> Iterator[Database]:
    """A pool of one connection, which may keep plans."""
    database = Database(dsn, max_connections=1)
    database.keep_plans(allowed=True)
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (note integer)")
    yield database
    database.close()


def plans(database: Database) -> list[tuple[str, int, int]]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(PLANS))]


def send(database: Database, sql: str) -> None:
    """In the session of the pool's only connection."""
    with database._pool.borrowed() as connection:
        connection.execute(sql.encode())


def note(database: Database, number: int) -> int:
    [answer] = database.run(Call(NOTED, {"note": number}, scalar_row))
    return int(answer)


def notes(producer: psycopg.Connection) -> list[int]:
    return [row[0] for row in producer.execute("SELECT note FROM notes ORDER BY note")]


def test_a_statement_is_planned_once_for_any_values(keeping: Database) -> None:
    for number, word in ((1, "it's"), (2, "50 %; SELECT 1"), (3, "\\")):
        call = Call(NUMBERED, {"a": word, "b": number}, tuple_row)
        assert keeping.run(call) == [(word, number + 1)]
    assert [(generic, custom) for _, generic, custom in plans(keeping)] == [(3, 0)]


def test_nothing_is_prepared_until_it_is_allowed(keeping: Database) -> None:
    keeping.keep_plans(allowed=False)
    assert note(keeping, 5) == 2
    assert plans(keeping) == []


def test_a_statement_that_is_not_to_be_kept_is_sent_whole(keeping: Database) -> None:
    once = FixedStatement("SELECT %(a)s", {}, {})
    assert keeping.run(Call(once, {"a": "x"}, scalar_row)) == ["x"]
    assert plans(keeping) == []


@pytest.mark.parametrize("in_between", ["DISCARD ALL", "DEALLOCATE ALL"])
def test_plans_that_are_gone_are_done_without(
    keeping: Database,
    producer: psycopg.Connection,
    in_between: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As behind a pooler that was put in between. The row is added, and once."""
    assert note(keeping, 1) == 10
    send(keeping, in_between)
    with caplog.at_level(logging.INFO):
        assert note(keeping, 2) == 5
        assert note(keeping, 5) == 2
    assert caplog.text.count("no plans are kept for a while") == 1
    assert notes(producer) == [1, 2, 5]
    assert plans(keeping) == []


def test_a_name_that_is_taken(keeping: Database, producer: psycopg.Connection) -> None:
    """Another client of a pooler may have prepared it in the same session."""
    name = kept_plans.KeptPlans().add(NOTED.text)
    send(keeping, f"PREPARE {name} AS SELECT 1")
    assert note(keeping, 2) == 5
    assert notes(producer) == [2]


def test_a_plan_whose_result_has_changed_with_a_migration(
    keeping: Database, producer: psycopg.Connection
) -> None:
    assert note(keeping, 2) == 5
    producer.execute("ALTER TABLE notes ALTER note TYPE bigint")
    assert note(keeping, 5) == 2
    assert notes(producer) == [2, 5]


def test_a_failed_transaction_leaves_no_doubt_about_its_plans(
    keeping: Database, producer: psycopg.Connection
) -> None:
    """The statement was prepared, though the transaction that did it was undone."""
    with pytest.raises(DataRefused, match="division by zero"):
        note(keeping, 0)
    assert note(keeping, 2) == 5
    assert notes(producer) == [2]
    names = {name for name, _, _ in plans(keeping)}
    assert len(names) == 2


def test_a_failure_after_it_was_prepared_leaves_the_plan(keeping: Database) -> None:
    assert note(keeping, 1) == 10
    before = plans(keeping)
    with pytest.raises(DataRefused):
        note(keeping, 0)
    assert note(keeping, 2) == 5
    assert [name for name, _, _ in plans(keeping)] == [name for name, _, _ in before]


def test_an_old_plan_is_replaced(keeping: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_plans, "MOST_SECONDS", -1.0)
    assert [note(keeping, number) for number in (1, 2, 5)] == [10, 5, 2]
    assert [generic for _, generic, _ in plans(keeping)] == [1]


def test_new_statistics_lead_to_a_new_plan(keeping: Database, producer: psycopg.Connection) -> None:
    """The same statement, prepared before there was an index to use."""
    counted = kept(
        select(func.count())
        .select_from(table("notes"))
        .where(literal_column("note", Integer) == bindparam("note", type_=Integer))
    )
    call = Call(counted, {"note": 7}, scalar_row)
    assert keeping.run(call) == [0]
    producer.execute("INSERT INTO notes SELECT n FROM generate_series(1, 20000) AS n")
    producer.execute("CREATE INDEX notes_idx ON notes (note)")
    producer.execute("ANALYZE notes")
    assert keeping.run(call) == [1]
    [(name, _, _)] = plans(keeping)
    with keeping.connect() as connection:
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        explained = connection.exec_driver_sql(f"EXPLAIN EXECUTE {name}(7)").scalars().all()
    assert "notes_idx" in "\n".join(explained)


@pytest.mark.parametrize(("durable", "setting"), [(True, "local"), (False, "off")])
def test_only_what_may_be_undone_waits_for_no_disk(
    dsn: str, *, durable: bool, setting: str
) -> None:
    database = Database(make_conninfo(dsn, options="-c synchronous_commit=local"))
    shown = FixedStatement("SHOW synchronous_commit", {}, {})
    found = database.run(Call(shown, {}, scalar_row), durable=durable)
    database.close()
    assert found == [setting]
