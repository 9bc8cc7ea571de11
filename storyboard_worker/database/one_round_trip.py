"""Sends a whole transaction as one message to the server.

Postgres runs several statements in one message as one transaction, unless they say otherwise
(https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT). The
values must be bound on the client. Every pooler passes such a message on in one piece.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.rows import BaseRowFactory
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

Row = TypeVar("Row")


@dataclass(frozen=True)
class FixedStatement:
    """SQL that is compiled once.

    ``constants`` are values that belong to it. ``settings`` of the server hold while it runs.
    """

    text: str
    constants: Mapping[str, Any]
    settings: Mapping[str, str]


def fixed(statement: ClauseElement, **settings: str) -> FixedStatement:
    """Compile ``statement``."""
    compiled = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
    return FixedStatement(str(compiled), compiled.params, settings)


@dataclass(frozen=True)
class Call(Generic[Row]):
    """A statement, its values, and the factory of its rows."""

    statement: FixedStatement
    values: Mapping[str, Any]
    row: BaseRowFactory[Row]


def exchange(
    connection: psycopg.Connection,
    opening: str,
    calls: Sequence[Call[Any]],
    *,
    ending: str | None = None,
) -> list[list[Any]]:
    """Send ``calls`` as one message and return the rows of each.

    The message begins with ``opening`` and ends with ``ending``, if given, a statement without
    rows.
    """
    endings = [] if ending is None else [ending]
    first = -len(calls) - len(endings)
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute("; ".join([_script(cursor, opening, calls), *endings]))
        return [_rows(cursor, index, call) for index, call in enumerate(calls, first)]


def _script(cursor: psycopg.ClientCursor[Any], opening: str, calls: Sequence[Call[Any]]) -> str:
    settings: dict[str, str] = {}
    for call in calls:
        settings.update(call.statement.settings)
    statements = (
        cursor.mogrify(call.statement.text, {**call.statement.constants, **call.values})
        for call in calls
    )
    set_all = (f"SET LOCAL {name} = {value}" for name, value in settings.items())
    return "; ".join([opening, *set_all, *statements])


def _rows(cursor: psycopg.ClientCursor[Any], index: int, call: Call[Row]) -> list[Row]:
    cursor.row_factory = call.row
    cursor.set_result(index)
    return cursor.fetchall()
