"""Rows are added, changed and processed, and each statement is timed."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from tests.support.older_claim import claim, complete, like_an_older_worker
from tests.support.producing import enqueue

EVERY_SECONDS = 0.005
# Rows from all over the table.
SOME = "SELECT id FROM storyboards ORDER BY id LIMIT 5000"
CHANGE = "UPDATE storyboards SET project_id = 'another' WHERE id = %s"


@dataclass
class Traffic:
    """The statements on the rows ``ids``, and how long each took.

    ``lock_waits``: statements that gave up because they had waited for a lock for too long.
    """

    ids: list[UUID]
    insert_seconds: list[float] = field(default_factory=list)
    change_seconds: list[float] = field(default_factory=list)
    claim_seconds: list[float] = field(default_factory=list)
    lock_waits: list[str] = field(default_factory=list)

    def insert(self, connection: psycopg.Connection[Any]) -> None:
        began = time.monotonic()
        enqueue(connection)
        took = time.monotonic() - began
        self.insert_seconds.append(took)
        time.sleep(max(0.0, EVERY_SECONDS - took))

    def change(self, connection: psycopg.Connection[Any]) -> None:
        began = time.monotonic()
        connection.execute(CHANGE, [self.ids[len(self.change_seconds) % len(self.ids)]])
        took = time.monotonic() - began
        self.change_seconds.append(took)
        time.sleep(max(0.0, EVERY_SECONDS - took))

    def work(self, connection: psycopg.Connection[Any]) -> None:
        began = time.monotonic()
        ids = claim(connection)
        self.claim_seconds.append(time.monotonic() - began)
        complete(connection, ids)


def some_ids(dsn: str) -> list[UUID]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute(SOME)]


@contextmanager
def traffic(dsn: str, *, most_wait_ms: int) -> Iterator[Traffic]:
    """Within the block, a row is added and another is changed every 5 ms.

    An older worker claims and completes. A statement that waits for a lock for more than
    ``most_wait_ms`` is noted.
    """
    found, ended = Traffic(some_ids(dsn)), threading.Event()

    def keep(step: Callable[[psycopg.Connection[Any]], None]) -> None:
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            like_an_older_worker(connection)
            connection.execute(f"SET lock_timeout = {most_wait_ms}".encode())
            while not ended.is_set():
                try:
                    step(connection)
                except psycopg.errors.LockNotAvailable as error:
                    found.lock_waits.append(str(error))

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(keep, step) for step in (found.insert, found.change, found.work)]
        try:
            yield found
        finally:
            ended.set()
    for each in running:
        each.result()
