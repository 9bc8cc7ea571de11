"""The page's types of row and view against the schema."""

import re

import psycopg
import pytest

from tests.support.page_code import files_of
from tests.support.producing import PENDING, PROCESSING, READY, WAITING, enqueue

TYPES = files_of("NEXTJS")["lib/storyboards/types.ts"]
IN_TYPESCRIPT = {
    "bigint": "number",
    "boolean": "boolean",
    "double precision": "number",
    "integer": "number",
    "real": "number",
    "smallint": "number",
    "text": "string",
    "timestamp with time zone": "string",
    "uuid": "string",
}
Columns = dict[str, tuple[str, bool]]


def told(name: str) -> Columns:
    """Column → type and whether it may be null, of a type on the page."""
    body = re.search(rf"^export type {name} = {{\n(.*?)^}}", TYPES, re.MULTILINE | re.DOTALL)
    assert body is not None
    lines = re.findall(r"^  (\w+): (\w+)( \| null)?$", body[1], re.MULTILINE)
    assert len(lines) == len(body[1].splitlines())
    return {column: (type_, bool(null)) for column, type_, null in lines}


def in_schema(producer: psycopg.Connection, relation: str) -> Columns:
    rows = producer.execute(
        "SELECT column_name, data_type, is_nullable = 'YES' FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
        [relation],
    ).fetchall()
    columns = {name: (IN_TYPESCRIPT[type_], null) for name, type_, null in rows}
    return {**columns, "status": ("StoryboardStatus", columns["status"][1])}


def test_the_row_has_the_columns_of_the_table(producer: psycopg.Connection) -> None:
    assert told("StoryboardRow") == in_schema(producer, "storyboards")


def test_the_view_has_its_columns(producer: psycopg.Connection) -> None:
    shown, table = in_schema(producer, "storyboard_progress"), in_schema(producer, "storyboards")
    # The schema says of every column of a view that it may be null. The table says which may.
    of_table = {name: table[name] for name in shown if name in table}
    of_view = {"message": ("string", False), "can_retry": ("boolean", False)}
    assert of_table.keys() | of_view.keys() == shown.keys()
    assert told("StoryboardProgress") == {**of_table, **of_view}


def test_what_the_view_computes_is_never_null(producer: psycopg.Connection) -> None:
    failed = [
        {"status": "failed", "error_code": code, "errored_at": "now"}
        for code in ("source_expired", "image_invalid", "source_timeout", "a_later_code")
    ]
    for state in (PENDING, WAITING, PROCESSING, READY, *failed):
        enqueue(producer, **state)
    nulls = "SELECT count(*) FROM storyboard_progress WHERE message IS NULL OR can_retry IS NULL"
    assert producer.execute(nulls).fetchone() == (0,)


def test_the_statuses_are_those_of_the_table(producer: psycopg.Connection) -> None:
    row = producer.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conname = 'storyboards_status_check'"
    ).fetchone()
    assert row is not None
    line = re.search(r"^export type StoryboardStatus = (.*)$", TYPES, re.MULTILINE)
    assert line is not None
    assert re.findall(r"'(\w+)'", line[1]) == re.findall(r"'(\w+)'", row[0])


@pytest.mark.parametrize("name", ["StoryboardRow", "StoryboardProgress"])
def test_the_types_were_found(name: str) -> None:
    assert len(told(name)) >= 10
