"""The simple loop that most people write first, for comparison, in two kinds.

    python -m tests.benchmarks.naive kept|anew CONCURRENCY

``kept``: each thread keeps its connection to the database and holds its row in an open
transaction while httpx downloads the image into memory and the SDK uploads it. ``anew``:
each thread marks its row and connects to the database again whenever it needs it.
Both keep their HTTP client. Writes «ready» when all threads are.
"""

import io
import os
import sys
import threading
import time
from uuid import UUID

import cloudinary
import httpx
import psycopg

# The SDK has no setting for authorities of one's own. It hands these arguments to its pool of
# connections when the uploader is imported, hence the import below.
if "SSL_CERT_FILE" in os.environ:
    cloudinary.CERT_KWARGS["ca_certs"] = os.environ["SSL_CERT_FILE"]

import cloudinary.uploader

KEPT_POLL_SECONDS = 0.5
ANEW_POLL_SECONDS = 1.0

TAKE = """SELECT id, source_url FROM storyboards WHERE status = 'pending'
          ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED"""
MARK = f"""UPDATE storyboards SET status = 'processing', claim_token = gen_random_uuid(),
               claimed_by = 'naive', claimed_at = now(), lease_expires_at = now() + '1 minute'
           FROM ({TAKE}) taken WHERE storyboards.id = taken.id
           RETURNING storyboards.id, storyboards.source_url"""
DONE = "UPDATE storyboards SET status = 'ready', cdn_url = %s, public_id = %s WHERE id = %s"

Row = tuple[UUID, str]


def copy(client: httpx.Client, row: Row) -> list[object]:
    """The parameters of :data:`DONE`."""
    image = client.get(row[1]).content
    answer = cloudinary.uploader.upload(io.BytesIO(image), public_id=f"naive/{row[0]}")
    return [answer["secure_url"], answer["public_id"], row[0]]


def work_kept(database_url: str, all_ready: threading.Barrier) -> None:
    with psycopg.connect(database_url) as connection, httpx.Client() as client:
        all_ready.wait()
        while True:
            row = connection.execute(TAKE).fetchone()
            if row is None:
                connection.rollback()
                time.sleep(KEPT_POLL_SECONDS)
                continue
            connection.execute(DONE, copy(client, row))
            connection.commit()


def work_anew(database_url: str, all_ready: threading.Barrier) -> None:
    with httpx.Client() as client:
        all_ready.wait()
        while True:
            with psycopg.connect(database_url) as connection:
                row = connection.execute(MARK).fetchone()
            if row is None:
                time.sleep(ANEW_POLL_SECONDS)
                continue
            outcome = copy(client, row)
            with psycopg.connect(database_url) as connection:
                connection.execute(DONE, outcome)


def main() -> None:
    work = {"kept": work_kept, "anew": work_anew}[sys.argv[1]]
    concurrency = int(sys.argv[2])
    all_ready = threading.Barrier(concurrency + 1)
    for _ in range(concurrency):
        arguments = (os.environ["DATABASE_URL"], all_ready)
        threading.Thread(target=work, args=arguments, daemon=True).start()
    all_ready.wait()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
