"""How migrations change a table that is in use, so that nothing else waits for it for long.

Each step commits by itself. A migration that was interrupted is run again from its beginning, so
each step is skipped, or does no harm, where it has been done.
"""

import time
from collections.abc import Callable, Sequence

from alembic import op

MOST_TRIES = 50
VACUUM_PATIENCE_SECONDS = 10
# A batch holds the rows that it has written for as long as it takes.
MOST_PAGES = 50
BATCH_SECONDS = 0.03


def run(*, in_one_transaction: Callable[[], None], beside_others: Callable[[], None]) -> None:
    """Printed SQL is one transaction; a migration that is run commits each statement."""
    context = op.get_context()
    if context.as_sql:
        in_one_transaction()
    else:
        with context.autocommit_block():
            beside_others()


def add_column(table: str, column: str, *statements: str) -> None:
    """``statements`` add it, with what has to come at the same moment."""
    _in_a_moment(
        table,
        "SELECT FROM pg_catalog.pg_attribute "
        f"WHERE attrelid = '{table}'::regclass AND attname = '{column}' AND NOT attisdropped",
        statements,
    )


def add_check(table: str, name: str, statement: str, correction: str) -> None:
    """Add a CHECK that is NOT VALID where rows may be outside of it.

    ``correction`` is an UPDATE that ends with its WHERE, and brings these within. It comes once
    before, so that hardly any row is refused, and once after, for those written in between.
    """

    def correct(pages: str) -> str:
        return f"{correction.rstrip()}\n    AND {pages}"

    in_batches(table, correct)
    _in_a_moment(
        table,
        "SELECT FROM pg_catalog.pg_constraint "
        f"WHERE conrelid = '{table}'::regclass AND conname = '{name}'",
        [statement],
    )
    in_batches(table, correct)


def _in_a_moment(table: str, is_there: str, statements: Sequence[str]) -> None:
    """A statement that waits for the table makes all others queue behind it: so these wait for a
    moment only, again and again. The transactions that were writing before have ended then, so
    that whatever looks at the table afterwards sees their rows.

    An autovacuum, which may take minutes, gives way to one who has waited for ``deadlock_timeout``,
    a second: so it is waited for first, in a mode that lets all others pass.
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
    """``statement`` is given the condition for the pages of one batch. By place in the file a
    batch costs the same whatever was done before."""
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
    """``definition`` is what follows ON."""
    half_built = f"indexrelid = to_regclass('public.{name}') AND NOT indisvalid"
    if found(f"SELECT count(*) FROM pg_catalog.pg_index WHERE {half_built}"):  # noqa: S608  our own names
        op.execute(f"DROP INDEX CONCURRENTLY public.{name}")
    op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}")


def found(query: str) -> int:
    return int(op.get_bind().exec_driver_sql(query.strip()).scalar_one())
