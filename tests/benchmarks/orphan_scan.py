"""What it costs to look for orphans in all rows: ``python -m tests.benchmarks.orphan_scan``.

A million rows that show a picture each. Beside the pass over the table stands what an index on the
picture costs those who write rows.
"""

import tempfile
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg

from storyboard_worker.database import Database, schema
from storyboard_worker.database.embedded import private_postgres
from storyboard_worker.queries.orphans import Orphans
from tests.benchmarks.tables import Table, figure
from tests.support.orphans import picture_of

ROWS = 1_000_000
WRITTEN = 5_000
RUNS = 3
LOAD = """
INSERT INTO storyboards (id, source_url, status, attempts, finished_at, cdn_url, public_id,
    asset_id, format, width, height, bytes, etag, picture_url, picture_public_id)
SELECT id, 'https://images.example/' || id || '.jpeg?X-Tos-Signature=' || repeat(md5(id::text), 12),
    'ready', 1, now(), url, name, md5(name), 'jpg', 2048, 2048, 2000000, md5(name), url, name
FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, %s)) AS made,
    LATERAL (SELECT 'storyboards/' || id || '-0123456789') AS named (name),
    LATERAL (SELECT 'https://res.cloudinary.com/demo/image/upload/v1/' || name || '.jpg') AS u (url)
"""
INDEX = "CREATE INDEX orphan_scan_idx ON storyboards (picture_public_id)"
SOME = "SELECT id FROM storyboards TABLESAMPLE SYSTEM (2) LIMIT %s"
WRITE = "UPDATE storyboards SET public_id = public_id || 'x' WHERE id = %s"


def look(database: Database, count: int) -> float:
    """Seconds to look for so many pictures that no row shows, least of several runs."""
    public_ids = [picture_of(uuid4()) for _ in range(count)]
    return min(_look_once(database, public_ids) for _ in range(RUNS))


def _look_once(database: Database, public_ids: list[str]) -> float:
    began_at = time.monotonic()
    assert Orphans(database).shown(public_ids) == set()
    return time.monotonic() - began_at


def write(connection: psycopg.Connection) -> tuple[float, float]:
    """Seconds for :data:`WRITTEN` new pictures, and bytes of log for each."""
    ids = connection.execute(SOME, [WRITTEN]).fetchall()
    connection.execute("CHECKPOINT")
    before, began_at = _log_position(connection), time.monotonic()
    for one in ids:
        connection.execute(WRITE, one)
    seconds = time.monotonic() - began_at
    return seconds, (_log_position(connection) - before) / len(ids)


def _log_position(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()
    assert row is not None
    return int(row[0])


def measured(dsn: str) -> Table:
    with closing(Database(dsn)) as database, psycopg.connect(dsn, autocommit=True) as connection:
        schema.upgrade(database)
        with connection.transaction():
            # Triggers would cost most of the time.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(LOAD, [ROWS])
        connection.execute("VACUUM ANALYZE storyboards")
        rows = [
            [f"a pass for {count:,} pictures", figure(look(database, count)), ""]
            for count in (1, 100, 10_000)
        ]
        rows.append([f"{WRITTEN:,} pictures written", *map(figure, write(connection))])
        connection.execute(INDEX)
        rows.append(["the same with an index", *map(figure, write(connection))])
    return Table(f"Orphans among {ROWS:,} rows", ["s", "log, bytes a row"], rows)


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="storyboard-bench-") as folder,
        private_postgres(Path(folder)) as dsn,
    ):
        print(measured(dsn).markdown())


if __name__ == "__main__":
    main()
