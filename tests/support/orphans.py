"""Pictures at the stand-in for Cloudinary that no row shows, and what deletes them."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg

from storyboard_worker.backoff import Backoff
from storyboard_worker.database import Database
from storyboard_worker.database.patience import at_once
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.queries.departures import Departures
from storyboard_worker.queries.orphan_batches import OrphanBatches
from storyboard_worker.queries.orphans import Orphans
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.transfer.deletion import Deletion
from storyboard_worker.worker.prune import Prune, Pruned
from storyboard_worker.worker.prune_patience import PrunePatience
from tests.support.panels import IMAGE
from tests.support.stage import cloudinary_settings, transport

WEEK = timedelta(days=7)
PLENTY_SECONDS = 60.0
# Of an attempt whose row has gone.
LONGEST_SECONDS = 180.0


def picture_of(storyboard_id: UUID, number: int = 0) -> str:
    """A public id as workers give them."""
    return f"storyboards/{storyboard_id}-{number:010x}"


def list_orphans(
    producer: psycopg.Connection, public_ids: list[str], age: timedelta = 2 * WEEK
) -> None:
    """The first is the oldest, by a microsecond."""
    producer.execute(
        "INSERT INTO storyboard_orphans SELECT id, "
        "now() - %s + number * interval '1 microsecond', 'deleted' "
        "FROM unnest(%s::text[]) WITH ORDINALITY AS listed (id, number)",
        [age, public_ids],
    )


def listed(producer: psycopg.Connection) -> set[str]:
    return {row[0] for row in producer.execute("SELECT public_id FROM storyboard_orphans")}


@dataclass
class Pruner:
    """The parts of a prune with a real database and HTTP; waits are short."""

    producer: psycopg.Connection
    cloudinary: Cloudinary
    database: Database
    deletion: Deletion
    shutdown: Shutdown = field(default_factory=Shutdown)
    batches: OrphanBatches | None = None

    def prune(self, older_than: timedelta = WEEK, seconds: float = PLENTY_SECONDS) -> Pruned:
        return self.new_prune().run(older_than, time.monotonic() + seconds)

    def new_prune(self) -> Prune:
        return Prune(
            Orphans(self.database),
            Departures(self.database, folder="storyboards", longest_seconds=LONGEST_SECONDS),
            self.batches or OrphanBatches(self.database),
            self.deletion,
            PrunePatience(self.shutdown, lambda: Backoff(0.001, 0.01)),
            at_once,
        )

    def orphans(self, count: int) -> list[str]:
        """So many pictures that are stored and listed, the oldest first."""
        public_ids = [picture_of(uuid4()) for _ in range(count)]
        self.cloudinary.put(public_ids, IMAGE)
        list_orphans(self.producer, public_ids)
        return public_ids

    def stored(self, public_ids: list[str]) -> set[str]:
        """Which of these Cloudinary still has."""
        return {one for one in public_ids if self.cloudinary.asset(one)}


@contextmanager
def new_pruner(producer: psycopg.Connection, dsn: str) -> Iterator[Pruner]:
    with (
        Cloudinary() as cloudinary,
        closing(Database(dsn)) as database,
        closing(Deletion(transport(), cloudinary_settings(cloudinary))) as deletion,
    ):
        yield Pruner(producer, cloudinary, database, deletion)
