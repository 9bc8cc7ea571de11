"""Statements that are compiled once, and written into messages with their values."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.compiler import SQLCompiler

PLACEHOLDER = re.compile(r"%\((\w+)\)s")

# Writes a value as a literal of SQL.
AsLiteral = Callable[[Any], bytes]


@dataclass(frozen=True)
class FixedStatement:
    """SQL that is compiled once, with placeholders like ``%(name)s``.

    ``constants`` are values that belong to it. ``settings`` of the server hold while it runs.
    ``types`` are those of its other values, by their names, if a session may keep its plan.
    """

    text: str
    constants: Mapping[str, Any]
    settings: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict)

    def with_values(self, literal_of: Callable[[str], bytes]) -> bytes:
        """The statement, with what ``literal_of`` gives for each name in its place."""
        # The text begins and ends outside of a placeholder, so names have the odd places.
        pieces = list(self._pieces)
        pieces[1::2] = map(literal_of, self._names)
        return b"".join(pieces)

    def preparation(self, name: str, as_literal: AsLiteral) -> bytes:
        """A PREPARE of the statement, whose parameters are ``types`` in their order."""
        numbers = {value: b"$%d" % number for number, value in enumerate(self.types, 1)}
        text = self.with_values(
            lambda value: numbers.get(value) or as_literal(self.constants[value])
        )
        return f"PREPARE {name}({', '.join(self.types.values())}) AS ".encode() + text

    @cached_property
    def _pieces(self) -> list[bytes]:
        pieces = PLACEHOLDER.split(self.text)
        return [piece.replace("%%", "%").encode() for piece in pieces]

    @cached_property
    def _names(self) -> list[str]:
        return PLACEHOLDER.findall(self.text)


def fixed(statement: ClauseElement, **settings: str) -> FixedStatement:
    """Compile ``statement``."""
    compiled = _compiled(statement)
    return FixedStatement(str(compiled), compiled.params, settings)


def kept(statement: ClauseElement, **settings: str) -> FixedStatement:
    """Like :func:`fixed`, for a statement that runs for every image.

    Sessions may keep its plan. So it must suit any values, and a table of any size.
    """
    compiled = _compiled(statement)
    types = {
        name: bind.type.compile(compiled.dialect)
        for name, bind in compiled.binds.items()
        if bind.value is None
    }
    return FixedStatement(str(compiled), compiled.params, settings, types)


def _compiled(statement: ClauseElement) -> SQLCompiler:
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled
