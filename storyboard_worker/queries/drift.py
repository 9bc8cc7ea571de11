"""Compares the schema that is there with the one that its version should have."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateColumn, CreateIndex

from storyboard_worker.database import Database
from storyboard_worker.database.tables import VERSION_TABLE, metadata
from storyboard_worker.queries.inspection import read_only

# Values of tgenabled: off, or on only for rows that come by replication.
DISABLED = ("D", "R")
TRIGGERS = (
    "storyboards_before_write",
    "storyboards_effective_expiry",
    "storyboards_forget_deleted",
    "storyboards_forget_truncated",
    "storyboards_note_attempt",
    "storyboards_notify_insert",
    "storyboards_notify_update",
    "storyboards_orphan_delete",
    "storyboards_orphan_insert",
    "storyboards_orphan_update",
)

# Not from information_schema, which hides columns that the role has no right to.
COLUMNS = text(
    "SELECT relname || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
    "WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped"
)
CONSTRAINTS = text(
    "SELECT conname, convalidated FROM pg_constraint "
    "WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
)
FUNCTIONS = text(
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
    "AND proname LIKE 'storyboard%'"
)
TRIGGERS_THERE = text(
    "SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal "
    "AND tgrelid = to_regclass('public.storyboards')"
)
INDEXES = text(
    "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE indisvalid AND relnamespace = 'public'::regnamespace"
)
# The names that migrations give to indexes of older versions.
OLD_INDEX = re.compile(r"storyboards_\w+_old_idx")
# The newest column of the view. An older view lacks it.
VIEW_COLUMN = "storyboard_progress.picture_url"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A CHECK, as the migrations write it."""

    table: str
    name: str
    check: str

    @property
    def is_proven(self) -> bool:
        """Whether rows that were there before the CHECK were checked as well."""
        return not self.check.endswith("NOT VALID")

    @property
    def condition(self) -> str:
        """The condition, in its parentheses."""
        return self.check.removeprefix("CHECK ").removesuffix(" NOT VALID")


@dataclass(frozen=True, slots=True)
class Function:
    """A function, as the migrations write it; ``body`` and ``statement`` in one line each."""

    name: str
    signature: str
    body: str
    statement: str


@dataclass(frozen=True, slots=True)
class Drift:
    """The parts of the schema that are missing, by name; columns as ``table.column``.

    Columns and constraints of missing tables are not listed. Indexes and constraints that are not
    valid, functions with another body, and a view without its newest column count as missing.
    ``disabled_triggers`` are there but off. ``old_indexes`` are left for workers of an older
    version.
    """

    tables: list[str]
    columns: list[str]
    constraints: list[Constraint]
    functions: list[Function]
    triggers: list[str]
    disabled_triggers: list[str]
    indexes: list[str]
    old_indexes: list[str]
    has_view: bool


def revision(database: Database) -> str | None:
    """The schema's version; ``""`` if it is hidden from this role, ``None`` if there is none."""
    exists = text("SELECT to_regclass(:table) IS NOT NULL")
    with read_only(database) as connection:
        if not connection.execute(exists, {"table": f"public.{VERSION_TABLE}"}).scalar_one():
            return None
        found = connection.execute(text(f"SELECT version_num FROM public.{VERSION_TABLE}"))  # noqa: S608  our own name
        return found.scalar_one_or_none() or ""


def drift(
    database: Database, constraints: Iterable[Constraint], functions: Iterable[Function]
) -> Drift:
    """What is missing of the tables, and of these constraints and functions."""
    with read_only(database) as connection:
        columns = set(connection.scalars(COLUMNS))
        proven = {row[0]: row[1] for row in connection.execute(CONSTRAINTS)}
        bodies = {row[0]: in_one_line(row[1]) for row in connection.execute(FUNCTIONS)}
        triggers = {row[0]: row[1] for row in connection.execute(TRIGGERS_THERE)}
        indexes = set(connection.scalars(INDEXES))
    tables = {name.partition(".")[0] for name in columns}
    wanted = [name for name in column_statements() if name.partition(".")[0] in tables]
    return Drift(
        tables=[table.name for table in metadata.sorted_tables if table.name not in tables],
        columns=[name for name in wanted if name not in columns],
        constraints=[
            wanted
            for wanted in constraints
            if wanted.table in tables and not _holds(wanted, proven.get(wanted.name))
        ],
        functions=[wanted for wanted in functions if bodies.get(wanted.name) != wanted.body],
        triggers=[name for name in TRIGGERS if name not in triggers],
        disabled_triggers=[name for name in TRIGGERS if triggers.get(name) in DISABLED],
        indexes=[name for name in index_statements() if name not in indexes],
        old_indexes=sorted(name for name in indexes if OLD_INDEX.fullmatch(name)),
        has_view=VIEW_COLUMN in columns,
    )


def _holds(wanted: Constraint, proven: bool | None) -> bool:  # noqa: FBT001  a column's value
    return proven is not None and (proven or not wanted.is_proven)


def column_statements() -> dict[str, str]:
    """Each column of the tables, as ``table.column``, and the SQL that adds it."""
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    return {
        f"{table.name}.{column.name}": f"ALTER TABLE public.{table.name} ADD COLUMN "
        f"{CreateColumn(column).compile(dialect=dialect)};"
        for table in metadata.sorted_tables
        for column in table.columns
    }


def index_statements() -> dict[str, str]:
    """Each index of the tables, and the SQL that builds it anew, also where it is unusable."""
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    return {
        str(index.name): f"DROP INDEX IF EXISTS public.{index.name}; "
        + " ".join(str(CreateIndex(index).compile(dialect=dialect)).split())
        for table in metadata.sorted_tables
        for index in table.indexes
    }


def in_one_line(sql: str) -> str:
    """``sql`` in one line, without the comments that have lines of their own."""
    return " ".join(re.sub(r"^ *--.*$", "", sql, flags=re.MULTILINE).split())
