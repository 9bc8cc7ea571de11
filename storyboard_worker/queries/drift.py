"""What of the schema is there, beside the version that it claims to be."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateIndex

from storyboard_worker.database import Database
from storyboard_worker.models import VERSION_TABLE, metadata
from storyboard_worker.queries.inspection import read_only

TRIGGERS = ("storyboards_before_write", "storyboards_notify_insert", "storyboards_notify_update")

COLUMNS = text(
    "SELECT table_name || '.' || column_name FROM information_schema.columns "
    "WHERE table_schema = 'public'"
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
    """What is missing, as ``table.column`` or by its name; triggers may be there but off, and
    indexes there but unusable."""

    columns: list[str]
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


def drift(database: Database) -> Drift:
    with read_only(database) as connection:
        columns = set(connection.scalars(COLUMNS))
        triggers = {row[0]: row[1] for row in connection.execute(TRIGGERS_THERE)}
        indexes = set(connection.scalars(INDEXES))
        view = connection.scalar(VIEW)
    expected = (
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
    )
    return Drift(
        columns=[name for name in expected if name not in columns],
        triggers=[name for name in TRIGGERS if name not in triggers],
        disabled_triggers=[name for name in TRIGGERS if triggers.get(name) == "D"],
        indexes=[name for name in index_statements() if name not in indexes],
        has_view=bool(view),
    )


def index_statements() -> dict[str, str]:
    """Each index that we need, and the SQL that makes it anew, also where it is unusable."""
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    return {
        str(index.name): f"DROP INDEX IF EXISTS public.{index.name}; "
        + " ".join(str(CreateIndex(index).compile(dialect=dialect)).split())
        for table in metadata.sorted_tables
        for index in table.indexes
    }
