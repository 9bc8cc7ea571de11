"""What a request of PostgREST's protocol asks for, as one SQL statement.

https://docs.postgrest.org/en/stable/references/api/tables_views.html
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from psycopg import sql

PREFIX = "/rest/v1/"
DIRECTIONS = {"asc": sql.SQL("ASC"), "desc": sql.SQL("DESC")}
NOT_FILTERS = ("select", "order", "columns")


class UnknownRequestError(Exception):
    """PostgREST may know this; the stand-in does not."""


@dataclass(frozen=True)
class Request:
    """``statement`` answers one row: how many rows there are, and the rows as JSON text."""

    method: str
    statement: sql.Composed
    returns_rows: bool


def parse(method: str, target: str, prefer: str, body: bytes) -> Request:
    """Raises :class:`UnknownRequestError` for what is not understood."""
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    name = url.path.removeprefix(PREFIX)
    if not url.path.startswith(PREFIX) or "/" in name:
        raise UnknownRequestError(f"the path {url.path}")
    relation = sql.Identifier("public", name)
    where = _where(query)
    if method == "GET":
        found = sql.SQL("SELECT * FROM {} {}").format(relation, where)
        return Request(method, _counted(found, query), returns_rows=True)
    if method == "POST":
        writing = _insert(relation, query, body)
    elif not where.as_string():
        # Supabase loads pg-safeupdate, which refuses this.
        raise UnknownRequestError(f"{method} without a filter")
    elif method == "PATCH":
        writing = _update(relation, where, body)
    else:
        writing = sql.SQL("DELETE FROM {} {}").format(relation, where)
    returns_rows = "return=representation" in prefer
    return Request(method, _written(writing, query, returns_rows=returns_rows), returns_rows)


def _where(query: dict[str, str]) -> sql.Composable:
    filters = [
        sql.SQL("{} = {}").format(sql.Identifier(name), _compared(name, condition))
        for name, condition in query.items()
        if name not in NOT_FILTERS
    ]
    return sql.SQL("WHERE ") + sql.SQL(" AND ").join(filters) if filters else sql.SQL("")


def _compared(name: str, condition: str) -> sql.Literal:
    operator, _, value = condition.partition(".")
    if operator != "eq":
        raise UnknownRequestError(f"the filter {name}={condition}")
    return sql.Literal(value)


def _insert(relation: sql.Identifier, query: dict[str, str], body: bytes) -> sql.Composed:
    """A client sends ``columns`` with an array, because its objects may differ in their keys."""
    given = _keys(body) if "columns" not in query else query["columns"].replace('"', "").split(",")
    columns = sql.SQL(", ").join(map(sql.Identifier, given))
    array = body if body.lstrip().startswith(b"[") else b"[" + body + b"]"
    return sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM json_populate_recordset(NULL::{}, {}::json)"
    ).format(relation, columns, columns, relation, sql.Literal(array.decode()))


def _update(relation: sql.Identifier, where: sql.Composable, body: bytes) -> sql.Composed:
    changes = sql.SQL(", ").join(
        sql.SQL("{} = (json_populate_record(NULL::{}, {}::json)).{}").format(
            sql.Identifier(name), relation, sql.Literal(body.decode()), sql.Identifier(name)
        )
        for name in _keys(body)
    )
    return sql.SQL("UPDATE {} SET {} {}").format(relation, changes, where)


def _written(writing: sql.Composed, query: dict[str, str], *, returns_rows: bool) -> sql.Composed:
    """Rows are read only if they are returned, because reading needs a right of its own."""
    if returns_rows:
        changed = writing + sql.SQL(" RETURNING *")
        return sql.SQL("WITH changed AS ({}) ").format(changed) + _counted(
            sql.SQL("SELECT * FROM changed"), query
        )
    return sql.SQL("WITH changed AS ({} RETURNING 1) SELECT count(*), NULL FROM changed").format(
        writing
    )


def _counted(found: sql.Composable, query: dict[str, str]) -> sql.Composed:
    return sql.SQL(
        "SELECT count(*), COALESCE(json_agg(answered), '[]')::text "
        "FROM (SELECT {} FROM ({}) AS found {}) AS answered"
    ).format(_selected(query), found, _order(query))


def _selected(query: dict[str, str]) -> sql.Composable:
    names = query.get("select", "*")
    if names == "*":
        return sql.SQL("*")
    return sql.SQL(", ").join(sql.Identifier(name.strip()) for name in names.split(","))


def _order(query: dict[str, str]) -> sql.Composable:
    terms = list(_order_terms(query["order"])) if "order" in query else []
    return sql.SQL("ORDER BY ") + sql.SQL(", ").join(terms) if terms else sql.SQL("")


def _order_terms(order: str) -> Iterator[sql.Composable]:
    for term in order.split(","):
        name, _, direction = term.partition(".")
        if (direction or "asc") not in DIRECTIONS:
            raise UnknownRequestError(f"the order {term}")
        yield sql.SQL("{} {}").format(sql.Identifier(name), DIRECTIONS[direction or "asc"])


def _keys(body: bytes) -> list[str]:
    given = json.loads(body)
    if not isinstance(given, dict):
        raise UnknownRequestError("a body that is no object")
    return list(given)
