"""Very many rows at once, without the triggers that would run for each row."""

import click

from tests.benchmarks.server import BenchDatabase

BATCH_ROWS = 1_000_000

# The expiry that the triggers would have read from a signed URL.
PENDING = """
INSERT INTO storyboards (source_url, source_expires_at, effective_expires_at, available_at,
    attempts)
SELECT %(source_url)s || '/' || n, now() + interval '20 hours' + n * interval '1 ms',
    now() + interval '20 hours' + n * interval '1 ms',
    CASE WHEN %(half_waits)s AND n %% 2 = 0 THEN now() + interval '1 hour' ELSE now() END,
    CASE WHEN %(half_waits)s AND n %% 2 = 0 THEN 1 ELSE 0 END
FROM generate_series(1, %(count)s) n
"""

READY = """
INSERT INTO storyboards (source_url, source_expires_at, status, attempts, finished_at,
    cdn_url, public_id, asset_id, format, width, height, bytes, etag)
SELECT %(source_url)s || '/' || n, now() + interval '20 hours' + n * interval '1 ms',
    'ready', 1, now() + n * interval '1 microsecond',
    'https://storage.invalid/storyboards/' || n || '.png', 'storyboards/' || n,
    md5(n::text), 'png', 100, 100, 4096, md5(n::text)
FROM generate_series(%(first)s, %(last)s) n
"""


def load_pending(
    database: BenchDatabase, count: int, source_url: str, *, half_waits: bool = False
) -> None:
    """Due rows, the most urgent first.

    With ``half_waits`` every second row waits for another attempt.

    No notification is sent. A worker that is to take the rows must start afterwards.
    """
    parameters = {"source_url": source_url, "count": count, "half_waits": half_waits}
    with database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(PENDING, parameters)
    _settle(database)


def load_ready(database: BenchDatabase, count: int, source_url: str) -> None:
    """Rows that were copied earlier."""
    with database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        for first in range(1, count + 1, BATCH_ROWS):
            last = min(count, first + BATCH_ROWS - 1)
            parameters = {"source_url": source_url, "first": first, "last": last}
            connection.execute(READY, parameters)
            click.echo(f"  {last:,} of {count:,} ready rows loaded", err=True)
    _settle(database)


def _settle(database: BenchDatabase) -> None:
    """Do now what autovacuum and the checkpointer would otherwise do while we measure."""
    with database.connect() as connection:
        connection.execute("VACUUM (ANALYZE) storyboards")
        connection.execute("CHECKPOINT")
