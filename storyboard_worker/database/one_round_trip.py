"""Sends a whole transaction as one message to the server.

Postgres runs several statements in one message as one transaction, unless they say otherwise
(https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT). The
values must be bound on the client. Every pooler passes such a message on in one piece.

In a session of the worker's own the message may execute statements that were prepared before, by
their names. Then the server neither parses nor plans them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.adapt import Transformer
from psycopg.rows import BaseRowFactory

from storyboard_worker.database.fixed_statement import FixedStatement
from storyboard_worker.database.kept_plans import KeptPlans

Row = TypeVar("Row")

# A plan that suits the values of one execution is not kept.
KEEP_PLANS = {"plan_cache_mode": "force_generic_plan"}


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
    plans: KeptPlans | None = None,
) -> list[list[Any]]:
    """Send ``calls`` as one message and return the rows of each.

    The message begins with ``opening`` and ends with ``ending``, if given, a statement without
    rows. ``plans`` are those that ``connection`` keeps; without them every statement is sent whole.
    """
    script = _Script(connection, plans)
    endings = [] if ending is None else [ending.encode()]
    message = script.message(opening, calls, endings)
    first = -len(calls) - len(endings)
    with psycopg.ClientCursor(connection) as cursor:
        try:
            cursor.execute(message)
        except BaseException:
            script.failed()
            raise
        return [_rows(cursor, index, call) for index, call in enumerate(calls, first)]


def message_of(
    connection: psycopg.Connection, opening: str, call: Call[Any], plans: KeptPlans
) -> bytes | None:
    """The message that :func:`exchange` sends; ``None`` if it would have to prepare a plan."""
    if plans.name(call.statement.text) is None:
        return None
    return _Script(connection, plans).message(opening, [call], [])


class _Script:
    """The statements of one message."""

    def __init__(self, connection: psycopg.Connection, plans: KeptPlans | None) -> None:
        self._literal = Transformer(connection).as_literal
        self._plans = plans
        self._settings: dict[str, str] = {}
        self._preparations: dict[str, list[bytes]] = {}

    def message(self, opening: str, calls: Sequence[Call[Any]], endings: list[bytes]) -> bytes:
        """All of it."""
        executed = [self._call(call) for call in calls]
        return b"; ".join([opening.encode(), *self._beginning(), *executed, *endings])

    def _call(self, call: Call[Any]) -> bytes:
        """The statement that runs ``call``."""
        statement = call.statement
        self._settings |= statement.settings
        name = self._name(statement)
        if name is None:
            values = {**statement.constants, **call.values}
            return statement.with_values(lambda value: self._literal(values[value]))
        self._settings |= KEEP_PLANS
        literals = (self._literal(call.values.get(value)) for value in statement.types)
        return b"EXECUTE %b(%b)" % (name.encode(), b", ".join(literals))

    def _beginning(self) -> Iterator[bytes]:
        """What has to precede all calls."""
        for name, value in self._settings.items():
            yield f"SET LOCAL {name} = {value}".encode()
        for preparation in self._preparations.values():
            yield from preparation

    def failed(self) -> None:
        """Whether the message prepared its statements is unknown."""
        if self._plans is not None:
            self._plans.lose(list(self._preparations))

    def _name(self, statement: FixedStatement) -> str | None:
        """The name under which ``statement`` is prepared; ``None``: it is to be sent whole."""
        if self._plans is None or not statement.types:
            return None
        text = statement.text
        return self._plans.name(text) or self._prepare(statement, replaces=text in self._plans)

    def _prepare(self, statement: FixedStatement, *, replaces: bool) -> str | None:
        assert self._plans is not None
        name = self._plans.add(statement.text)
        if name is not None:
            before = [f"DEALLOCATE {name}".encode()] if replaces else []
            preparation = statement.preparation(name, self._literal)
            self._preparations[statement.text] = [*before, preparation]
        return name


def _rows(cursor: psycopg.ClientCursor[Any], index: int, call: Call[Row]) -> list[Row]:
    cursor.row_factory = call.row
    cursor.set_result(index)
    return cursor.fetchall()
