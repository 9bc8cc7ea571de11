"""The loop that everybody writes first, to compare with.

Each of 16 threads holds one row in an open transaction while httpx downloads the image into
memory and the SDK uploads it.
"""

import io
import os
import sys
import threading
import time

import cloudinary.uploader
import httpx
import psycopg

POLL_SECONDS = 0.5
CLAIM = """SELECT id, source_url FROM storyboards WHERE status = 'pending'
           ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED"""
DONE = """UPDATE storyboards SET status = 'ready', cdn_url = %s, public_id = %s WHERE id = %s"""


def work() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection, httpx.Client() as client:
        while True:
            row = connection.execute(CLAIM).fetchone()
            if row is None:
                connection.rollback()
                time.sleep(POLL_SECONDS)
                continue
            image = client.get(row[1]).content
            answer = cloudinary.uploader.upload(io.BytesIO(image), public_id=f"naive/{row[0]}")
            connection.execute(DONE, [answer["secure_url"], answer["public_id"], row[0]])
            connection.commit()


def main() -> None:
    for _ in range(int(sys.argv[1])):
        threading.Thread(target=work, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
