"""Changes a table that is in use, so that no other client waits for it for long.

Each step commits by itself. An interrupted migration is run again from its beginning, so a step
that is done already is skipped or does no harm.
"""

import time
from collections.abc import Callable, Sequence

from alembic import op

MOST_TRIES = 50
VACUUM_PATIENCE_SECONDS = 10
# A batch keeps its rows locked until it ends.
MOST_PAGES = 50
BATCH_SECONDS = 0.03


def run(*, in_one_transaction: Callable[[], None], beside_others: Callable[[], None]) -> None:
    """Call the function for printed SQL, which is one transaction, or the one for a migration that
    runs and commits each statement."""
    context = op.get_context()
    if context.as_sql:
        in_one_transaction()
    else:
        with context.autocommit_block():
            beside_others()


def add_column(table: str, column: str, *statements: str) -> None:
    """Add ``column`` unless it is there. ``statements`` add it and all that must come with it."""
    in_a_moment(
        table,
        "SELECT FROM pg_catalog.pg_attribute "
        f"WHERE attrelid = '{table}'::regclass AND attname = '{column}' AND NOT attisdropped",
        statements,
    )


def add_check(table: str, name: str, statement: str, correction: str) -> None:
    """Add a CHECK that is NOT VALID, and correct the rows that break it.

    ``correction`` is an UPDATE that ends with its WHERE. It runs before, so that hardly any row
    is refused, and again after, for rows written in between.
    """

    def correct(pages: str) -> str:
        return f"{correction.rstrip()}\n    AND {pages}"

    in_batches(table, correct)
    in_a_moment(
        table,
        "SELECT FROM pg_catalog.pg_constraint "
        f"WHERE conrelid = '{table}'::regclass AND conname = '{name}'",
        [statement],
    )
    in_batches(table, correct)


def in_a_moment(table: str, is_there: str, statements: Sequence[str]) -> None:
    """Run ``statements`` with the table locked for a moment, unless ``is_there`` finds a row.

    A statement that waits for the table makes all others queue behind it. So these wait for a
    moment only, again and again. When they get the lock, all earlier writers have ended, and the
    next look at the table sees their rows.

    An autovacuum may take minutes, and gives way after a wait of ``deadlock_timeout``, a second.
    So a lock that lets all others pass waits for it first.
    """
    changes = "\n".join(f"{statement.strip()};" for statement in statements)
    op.execute(
        f"""DO $body$
BEGIN
    IF EXISTS ({is_there}) THEN
        RETURN;
    END IF;
    PERFORM set_config('lock_timeout', '{VACUUM_PATIENCE_SECONDS}s', true);
    LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..{MOST_TRIES} LOOP
        BEGIN
            {changes}
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = {MOST_TRIES} THEN
                RAISE;
            END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
END
$body$"""
    )


def in_batches(table: str, statement: Callable[[str], str]) -> None:
    """Run ``statement`` for one batch of pages after the other.

    It is called with the condition that selects the pages. Pages are chosen by their place in the
    file, so a batch costs the same whatever ran before.
    """
    first, end, pages = 0, _pages(table), 1
    while first < end:
        began_at = time.monotonic()
        last = first + pages
        op.execute(statement(f"ctid >= '({first},0)' AND ctid < '({last},0)'").strip())
        took_seconds = time.monotonic() - began_at
        first = last
        pages = min(MOST_PAGES, 2 * pages, 1 + int(pages * BATCH_SECONDS / took_seconds))


def _pages(table: str) -> int:
    return found(f"SELECT pg_relation_size('{table}') / current_setting('block_size')::bigint")


def build_index(name: str, definition: str) -> None:
    """Build the index concurrently. ``definition`` is the text after ON."""
    half_built = f"indexrelid = to_regclass('public.{name}') AND NOT indisvalid"
    if found(f"SELECT count(*) FROM pg_catalog.pg_index WHERE {half_built}"):  # noqa: S608  our own names
        op.execute(f"DROP INDEX CONCURRENTLY public.{name}")
    op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}")


def found(query: str) -> int:
    """The number that ``query`` selects."""
    return int(op.get_bind().exec_driver_sql(query.strip()).scalar_one())
