"""The statements of a worker of the released version, which runs on during a migration."""

from typing import Any
from uuid import UUID

import psycopg

# The claim of a worker of schema 0003, without columns that it only passes on.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM public.storyboards
    WHERE status = 'pending' AND available_at <= now()
    AND coalesce(source_expires_at, 'infinity') > now()
    ORDER BY -CAST(priority AS INTEGER), coalesce(source_expires_at, 'infinity'), available_at, id
    LIMIT 16 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE public.storyboards SET status = 'processing', attempts = attempts + 1,
        claim_token = gen_random_uuid(), claimed_by = 'older', claimed_at = now(),
        lease_expires_at = now() + interval '1 minute'
    FROM due WHERE storyboards.id = due.id
    RETURNING storyboards.id
)
SELECT id FROM taken
"""
COMPLETE = """
UPDATE public.storyboards SET status = 'ready', cdn_url = 'https://cdn.example/a',
    claim_token = NULL, claimed_by = NULL, claimed_at = NULL, lease_expires_at = NULL
WHERE id = ANY(%s) AND claimed_by = 'older'
"""
BEAT = """
INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency)
VALUES ('older', 'host', 1, '1', 16)
ON CONFLICT (worker_id) DO UPDATE SET last_seen_at = now()
"""
SETTINGS = ("jit = off", "enable_bitmapscan = off", "enable_seqscan = off", "datestyle = ISO")


def like_an_older_worker(connection: psycopg.Connection[Any]) -> None:
    for setting in SETTINGS:
        connection.execute(f"SET {setting}".encode())
    connection.execute(BEAT)


def claim(connection: psycopg.Connection[Any]) -> list[UUID]:
    return [row[0] for row in connection.execute(CLAIM)]


def complete(connection: psycopg.Connection[Any], ids: list[UUID]) -> None:
    connection.execute(COMPLETE, [ids])
