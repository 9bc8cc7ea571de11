"""Very many waiting rows, in a database of the version that was released before."""

import psycopg

RELEASED = "0003"
# The links are not ranked yet in that version.
BEFORE = "0007"

# Triggers would cost most of the time. Every second link is of unknown expiry.
LOAD = """
INSERT INTO storyboards (source_url, source_expires_at, created_at, attempts)
SELECT 'https://images.example/' || n, CASE WHEN n %% 2 = 0 THEN now() + interval '20 hours' END,
       now() - interval '1 hour', CASE WHEN n %% 50 = 0 THEN 1 ELSE 0 END
FROM generate_series(1, %s) AS n
"""


def load_waiting(dsn: str, rows: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(LOAD, [rows])
        connection.execute("ANALYZE storyboards")
