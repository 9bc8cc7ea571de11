"""Runs migrations: one deployment at a time, and without long waits for other clients.

Migrations share a transaction, unless one of them has to commit in between. Settings are made with
``SET LOCAL`` and locks last for the transaction. So this works behind a transaction pooler as well,
and reads the same when ``storyboard-worker migrate --sql`` prints it.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from alembic.operations import Operations
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import BLANK_SCHEMA

from alembic import context
from storyboard_worker.database import Database
from storyboard_worker.database.tables import VERSION_TABLE, metadata
from storyboard_worker.database.version_guard import guard
from storyboard_worker.settings.reading import read_settings

# A number that no other program is likely to use: the CRC-32 of "storyboard-worker migrate".
ADVISORY_LOCK_KEY = 2532762113
LOCK = f"advisory_xact_lock({ADVISORY_LOCK_KEY})"
LOCK_PATIENCE_SECONDS = 60
LOCK_PAUSE_SECONDS = 0.2

# The changes of the deployment that was waited for must be visible, whatever the default is.
ISOLATION = "SET LOCAL transaction_isolation = 'read committed'"
ALONE = [
    # A second deployment waits here for the first, then finds nothing to do.
    f"SET LOCAL lock_timeout = '{LOCK_PATIENCE_SECONDS}s'",
    f"SELECT pg_{LOCK}",
]
IDLE_LIMIT = """
SELECT setting::float / 1000 FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'
"""
MOST_IDLE_SECONDS = 5.0
LIMITS = [
    # Other clients queue behind a statement that waits for a lock, so it gives up soon.
    "SET LOCAL lock_timeout = '5s'",
    "SET LOCAL statement_timeout = '10min'",
]


# Alembic reads the default schema without a name, so the models are compared without one.
models = MetaData()
for table in metadata.tables.values():
    # None and BLANK_SCHEMA both are «no schema».
    table.to_metadata(
        models,
        schema=None,  # type: ignore[arg-type]
        referred_schema_fn=lambda *_: BLANK_SCHEMA,  # type: ignore[arg-type]
    )


def is_ours(name: str | None, kind: str, parents: object) -> bool:  # noqa: ARG001  Alembic's shape
    """Whether ``name`` belongs to the worker. Other tables are left out of the comparison."""
    return kind != "table" or name in models.tables


def migrate(connection: Connection | None, holder: Connection | None = None) -> None:
    """Run the migrations. ``holder`` keeps the lock while ``connection`` commits in between."""
    if holder is not None:
        hold_the_lock(holder)
    if connection is not None:
        limit_each_transaction(connection)
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
    with kept(holder), context.begin_transaction():
        if connection is None:
            for statement in [ISOLATION, *ALONE, *LIMITS]:
                context.execute(statement)
        elif holder is None:
            for statement in [*ALONE, *LIMITS]:
                context.execute(statement)
        if connection is None:
            context.execute(printed_guard())
        context.run_migrations()
        finish()


def finish() -> None:
    """What follows the migrations, with the operations that they use."""
    follows = context.config.attributes.get("finish")
    if follows is not None:
        with Operations.context(context.get_context()):
            follows()


def hold_the_lock(holder: Connection) -> None:
    begun(holder)
    holder.exec_driver_sql(ISOLATION)
    ends_at = time.monotonic() + LOCK_PATIENCE_SECONDS
    # Repeated tries instead of one waiting statement: that would keep a snapshot, and an index that
    # the first deployment builds concurrently would wait for it.
    while not holder.exec_driver_sql(f"SELECT pg_try_{LOCK}").scalar_one():
        if time.monotonic() > ends_at:
            # This fails with the server's reason.
            holder.exec_driver_sql(f"SET LOCAL lock_timeout = '1ms'; SELECT pg_{LOCK}")
        time.sleep(LOCK_PAUSE_SECONDS)


@contextmanager
def kept(holder: Connection | None) -> Iterator[None]:
    """Wraps the migrations and keeps ``holder`` from being idle for too long.

    The server ends a session that is idle in a transaction, so that a vanished deployment does not
    block the next one.
    """
    if holder is None:
        yield
        return
    limit_seconds = float(holder.exec_driver_sql(IDLE_LIMIT.strip()).scalar_one())
    pause_seconds = min(limit_seconds / 4 or MOST_IDLE_SECONDS, MOST_IDLE_SECONDS)
    ended = threading.Event()

    def touch() -> None:
        # If the lock is lost, the migrations go on. Only a second deployment could disturb them.
        with suppress(DBAPIError):
            while not ended.wait(pause_seconds):
                holder.exec_driver_sql("SELECT 1")

    thread = threading.Thread(target=touch, name="migration lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def limit_each_transaction(connection: Connection) -> None:
    @event.listens_for(connection, "begin")
    def limit(connection: Connection) -> None:
        # SET LOCAL needs a transaction.
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return
        begun(connection)
        for statement in [ISOLATION, *LIMITS]:
            connection.exec_driver_sql(statement)


def begun(connection: Connection) -> None:
    on_begin = context.config.attributes.get("on_begin")
    if on_begin is not None:
        on_begin(connection)


def printed_guard() -> str:
    """Printed SQL cannot leave out what is there already, so it checks where the database is."""
    start = context.get_starting_revision_argument()
    oldest_first = [script.revision for script in context.script.walk_revisions()][::-1]
    # Alembic gives an empty tuple where the text begins with an empty database.
    return guard(start if isinstance(start, str) else None, oldest_first)


def main() -> None:
    given: Connection | None = context.config.attributes.get("connection")
    if context.is_offline_mode():
        migrate(None)
    elif given is not None:
        migrate(given, context.config.attributes.get("holder"))
    else:
        database = Database(read_settings(os.environ).database_dsn)
        with database.connect() as holder, database.connect() as connection:
            migrate(connection, holder)
        database.close()


main()
