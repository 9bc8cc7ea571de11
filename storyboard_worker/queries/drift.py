"""What of the schema is there, beside the version that it claims to be."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateColumn, CreateIndex

from storyboard_worker.database import Database
from storyboard_worker.models import VERSION_TABLE, metadata
from storyboard_worker.queries.inspection import read_only

# Off, or on for what a replica takes over and for nothing else.
DISABLED = ("D", "R")
TRIGGERS = ("storyboards_before_write", "storyboards_notify_insert", "storyboards_notify_update")

# Not from information_schema, which hides what we have no right to.
COLUMNS = text(
    "SELECT relname || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
    "WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped"
)
CONSTRAINTS = text(
    "SELECT conname FROM pg_constraint WHERE contype = 'c' AND convalidated "
    "AND conrelid = to_regclass('public.storyboards')"
)
TRIGGERS_THERE = text(
    "SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal "
    "AND tgrelid = to_regclass('public.storyboards')"
)
INDEXES = text(
    "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE indisvalid AND indrelid = to_regclass('public.storyboards')"
)
VIEW = text("SELECT to_regclass('public.storyboard_progress') IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Drift:
    """What is missing, by its name or as ``table.column`` (of tables that are there); triggers
    may be there but off, and indexes and constraints there but not valid."""

    tables: list[str]
    columns: list[str]
    constraints: list[str]
    triggers: list[str]
    disabled_triggers: list[str]
    indexes: list[str]
    has_view: bool


def revision(database: Database) -> str | None:
    """The version that the database says it is at, ``""`` if it hides that from us; ``None``: it
    was never migrated."""
    exists = text("SELECT to_regclass(:table) IS NOT NULL")
    with read_only(database) as connection:
        if not connection.execute(exists, {"table": f"public.{VERSION_TABLE}"}).scalar_one():
            return None
        found = connection.execute(text(f"SELECT version_num FROM public.{VERSION_TABLE}"))  # noqa: S608  our own name
        return found.scalar_one_or_none() or ""


def drift(database: Database, constraints: Iterable[str]) -> Drift:
    """What is missing of the tables as we know them, and of the ``constraints`` of storyboards."""
    with read_only(database) as connection:
        columns = set(connection.scalars(COLUMNS))
        checked = set(connection.scalars(CONSTRAINTS))
        triggers = {row[0]: row[1] for row in connection.execute(TRIGGERS_THERE)}
        indexes = set(connection.scalars(INDEXES))
        view = connection.scalar(VIEW)
    tables = {name.partition(".")[0] for name in columns}
    wanted = [name for name in column_statements() if name.partition(".")[0] in tables]
    return Drift(
        tables=[table.name for table in metadata.sorted_tables if table.name not in tables],
        columns=[name for name in wanted if name not in columns],
        constraints=[name for name in constraints if name not in checked],
        triggers=[name for name in TRIGGERS if name not in triggers],
        disabled_triggers=[name for name in TRIGGERS if triggers.get(name) in DISABLED],
        indexes=[name for name in index_statements() if name not in indexes],
        has_view=bool(view),
    )


def column_statements() -> dict[str, str]:
    """Each column that we need, as ``table.column``, and the SQL that adds it."""
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    return {
        f"{table.name}.{column.name}": f"ALTER TABLE public.{table.name} ADD COLUMN "
        f"{CreateColumn(column).compile(dialect=dialect)};"
        for table in metadata.sorted_tables
        for column in table.columns
    }


def index_statements() -> dict[str, str]:
    """Each index that we need, and the SQL that makes it anew, also where it is unusable."""
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    return {
        str(index.name): f"DROP INDEX IF EXISTS public.{index.name}; "
        + " ".join(str(CreateIndex(index).compile(dialect=dialect)).split())
        for table in metadata.sorted_tables
        for index in table.indexes
    }
