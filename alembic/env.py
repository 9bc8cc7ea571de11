"""How migrations run: one transaction, one deployment at a time, never in the way for long.

Everything is set with ``SET LOCAL`` and locked for the transaction, so that it works behind
a transaction pooler, too, and reads the same when printed by ``storyboard-worker migrate --sql``.
"""

import os

from sqlalchemy import Connection, MetaData

from alembic import context
from storyboard_worker.database import Database
from storyboard_worker.models import VERSION_TABLE, metadata
from storyboard_worker.settings import read_settings
from storyboard_worker.version_guard import guard

# Any number that no other program takes; it is the CRC-32 of "storyboard-worker migrate".
ADVISORY_LOCK_KEY = 2532762113

PREAMBLE = [
    # Whatever the database's default is: what was waited for has to be seen.
    "SET LOCAL transaction_isolation = 'read committed'",
    # A second deployment waits here for the first, then finds nothing to do.
    "SET LOCAL lock_timeout = '60s'",
    f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK_KEY})",
    # A lock that is not had soon makes everybody else queue behind us: better to give up.
    "SET LOCAL lock_timeout = '5s'",
    "SET LOCAL statement_timeout = '10min'",
]


# Alembic reflects the default schema under no name, so the models are compared without theirs.
models = MetaData()
for table in metadata.tables.values():
    table.to_metadata(models, schema=None)  # type: ignore[arg-type]  # None is «no schema»


def is_ours(name: str | None, kind: str, parents: object) -> bool:  # noqa: ARG001  Alembic's shape
    """Other tables of the database are none of our business."""
    return kind != "table" or name in models.tables


def migrate(connection: Connection | None) -> None:
    context.configure(
        connection=connection,
        dialect_name=None if connection else "postgresql",
        target_metadata=models,
        version_table=VERSION_TABLE,
        version_table_schema="public",
        include_name=is_ours,
        compare_server_default=True,
        literal_binds=connection is None,
        dialect_opts={"paramstyle": "named"},
        on_version_apply=context.config.attributes.get("on_version_apply"),
    )
    with context.begin_transaction():
        on_begin = context.config.attributes.get("on_begin")
        if on_begin is not None:
            on_begin(connection)
        for statement in PREAMBLE:
            context.execute(statement)
        if connection is None:
            context.execute(printed_guard())
        context.run_migrations()


def printed_guard() -> str:
    """Printed SQL cannot look where the database is, and leave out what is there."""
    start = context.get_starting_revision_argument()
    oldest_first = [script.revision for script in context.script.walk_revisions()][::-1]
    # Where it begins with nothing, Alembic names no revision, but an empty tuple.
    return guard(start if isinstance(start, str) else None, oldest_first)


def main() -> None:
    given: Connection | None = context.config.attributes.get("connection")
    if context.is_offline_mode():
        migrate(None)
    elif given is not None:
        migrate(given)
    else:
        database = Database(read_settings(os.environ).database_dsn)
        with database.connect() as connection:
            migrate(connection)
        database.close()


main()
