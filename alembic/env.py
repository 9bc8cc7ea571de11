"""How migrations run: one deployment at a time, never in the way for long.

They share a transaction, unless one of them has to commit in between. Everything is set with
``SET LOCAL`` and locked for the transaction, so that it works behind a transaction pooler, too,
and reads the same when printed by ``storyboard-worker migrate --sql``.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, MetaData, event
from sqlalchemy.exc import DBAPIError

from alembic import context
from storyboard_worker.database import Database
from storyboard_worker.database.tables import VERSION_TABLE, metadata
from storyboard_worker.database.version_guard import guard
from storyboard_worker.settings.reading import read_settings

# Any number that no other program takes; it is the CRC-32 of "storyboard-worker migrate".
ADVISORY_LOCK_KEY = 2532762113
LOCK = f"advisory_xact_lock({ADVISORY_LOCK_KEY})"
LOCK_PATIENCE_SECONDS = 60
LOCK_PAUSE_SECONDS = 0.2

# Whatever the database's default is: what was waited for has to be seen.
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


def migrate(connection: Connection | None, holder: Connection | None = None) -> None:
    """``holder`` keeps the lock while ``connection`` commits in between."""
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


def hold_the_lock(holder: Connection) -> None:
    begun(holder)
    holder.exec_driver_sql(ISOLATION)
    ends_at = time.monotonic() + LOCK_PATIENCE_SECONDS
    # By asking again: a statement that waits has a snapshot, for which an index that the first
    # deployment builds concurrently would wait in turn.
    while not holder.exec_driver_sql(f"SELECT pg_try_{LOCK}").scalar_one():
        if time.monotonic() > ends_at:
            # Fails, and says why.
            holder.exec_driver_sql(f"SET LOCAL lock_timeout = '1ms'; SELECT pg_{LOCK}")
        time.sleep(LOCK_PAUSE_SECONDS)


@contextmanager
def kept(holder: Connection | None) -> Iterator[None]:
    """While inside, ``holder`` is never idle for so long that the server would end it, as it ends
    the session of a deployment that has vanished, so that the next one need not wait."""
    if holder is None:
        yield
        return
    limit_seconds = float(holder.exec_driver_sql(IDLE_LIMIT.strip()).scalar_one())
    pause_seconds = min(limit_seconds / 4 or MOST_IDLE_SECONDS, MOST_IDLE_SECONDS)
    ended = threading.Event()

    def touch() -> None:
        # Without it what is under way goes on: only a second deployment would meet it.
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
        # Outside of a transaction nothing can be set for it alone.
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
        migrate(given, context.config.attributes.get("holder"))
    else:
        database = Database(read_settings(os.environ).database_dsn)
        with database.connect() as holder, database.connect() as connection:
            migrate(connection, holder)
        database.close()


main()
