"""Parts of the schema, read from the SQL that the migrations print."""

import re
from functools import cache

from storyboard_worker.database.schema import upgrade_sql
from storyboard_worker.queries.drift import Constraint, Function, in_one_line

_TABLE = re.compile(r"^CREATE TABLE public\.(\w+) \(\n(.*?)^\)", re.DOTALL | re.MULTILINE)
_WITHIN_TABLE = re.compile(
    r"^ +CONSTRAINT (\w+)\s+(CHECK .*?)(?=,?\n(?: +--| +CONSTRAINT|\Z))", re.DOTALL | re.MULTILINE
)
_ADDED = re.compile(
    r"^ALTER TABLE public\.(\w+) ADD CONSTRAINT (\w+)\s+(CHECK .*?);$", re.DOTALL | re.MULTILINE
)
_FUNCTION = re.compile(
    r"^CREATE (?:OR REPLACE )?FUNCTION public\.(?P<signature>(?P<name>\w+)\(.*?\)).*?"
    r"\$body\$(?P<body>.*?)\$body\$;$",
    re.DOTALL | re.MULTILINE,
)


@cache
def _text() -> str:
    return upgrade_sql()


def constraints() -> list[Constraint]:
    """The checks on our tables."""
    within = [
        (table, name, check)
        for table, columns in _TABLE.findall(_text())
        for name, check in _WITHIN_TABLE.findall(columns)
    ]
    return [
        Constraint(table, name, in_one_line(check))
        for table, name, check in [*within, *_ADDED.findall(_text())]
    ]


def functions() -> list[Function]:
    """Our functions, each as the last migration that changes it leaves it."""
    found = {
        match["name"]: Function(
            match["name"], match["signature"], in_one_line(match["body"]), in_one_line(match[0])
        )
        for match in _FUNCTION.finditer(_text())
    }
    return list(found.values())


def statements(beginning: str) -> list[str]:
    """Statements that match ``beginning``, a regular expression; oldest first, each in one line."""
    found = re.findall(rf"^{beginning}.*?;$", _text(), re.DOTALL | re.MULTILINE)
    return [in_one_line(statement) for statement in found]
