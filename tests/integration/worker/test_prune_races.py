"""What happens while Cloudinary is being asked to delete pictures."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.demo.faults import Hang
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.orphan_batches import Batch, Delete, OrphanBatches
from storyboard_worker.queries.orphans import Orphan
from storyboard_worker.worker.prune import Pruned
from tests.support.orphans import Pruner, list_orphans, listed, picture_of
from tests.support.panels import IMAGE
from tests.support.producing import OTHER_URL, READY, change, delete, enqueue
from tests.support.watching import until, waiting_for_a_lock


class TellingBatches(OrphanBatches):
    """Tells when it has found that another prune is at work."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.has_met_another = threading.Event()

    def delete(self, some: Sequence[Orphan], delete: Delete) -> Batch:
        done = super().delete(some, delete)
        if not done.is_alone:
            self.has_met_another.set()
        return done


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@contextmanager
def in_the_call(
    pruner: Pruner, pool: ThreadPoolExecutor, release: threading.Event
) -> Iterator[Future[Pruned]]:
    """Inside, Cloudinary has the request and has not deleted anything; it goes on afterwards."""
    pruner.cloudinary.misbehave_at_deletions(Hang(release))
    pruned = pool.submit(pruner.prune)
    try:
        pruner.cloudinary.wait_for_requests(1)
        yield pruned
    finally:
        release.set()


def test_a_row_cannot_get_its_old_image_again_before_the_call_ends(
    pruner: Pruner, pool: ThreadPoolExecutor, release: threading.Event, dsn: str
) -> None:
    """Otherwise its worker could upload the picture, and the call would delete it then."""
    storyboard_id = enqueue(pruner.producer, **READY)
    picture = picture_of(storyboard_id)
    pruner.cloudinary.put([picture], IMAGE)
    list_orphans(pruner.producer, [picture])
    with psycopg.connect(dsn, autocommit=True) as other:
        with in_the_call(pruner, pool, release) as pruned:
            update = pool.submit(change, other, storyboard_id, source_url=OTHER_URL)
            until(lambda: waiting_for_a_lock(pruner.producer) == 1)
            assert not update.done()
        assert update.result(10)["status"] == "pending"
    assert pruned.result(10) == Pruned(deleted=1)


def test_a_worker_claims_during_the_call(
    pruner: Pruner, pool: ThreadPoolExecutor, release: threading.Event
) -> None:
    waiting = enqueue(pruner.producer)
    pruner.orphans(1)
    queue = StoryboardQueue(pruner.database, worker_id="w", lease_seconds=60)
    with in_the_call(pruner, pool, release):
        assert [claim.id for claim in queue.claim(5)] == [waiting]


def test_a_row_that_another_has_locked_keeps_its_picture(pruner: Pruner, dsn: str) -> None:
    storyboard_id = enqueue(pruner.producer, **READY)
    picture = picture_of(storyboard_id)
    list_orphans(pruner.producer, [picture])
    with psycopg.connect(dsn) as other:
        change(other, storyboard_id, source_url=OTHER_URL)
        assert pruner.prune() == Pruned(kept=1)
    assert listed(pruner.producer) == {picture}


def test_what_is_listed_anew_during_the_call_stays_listed(
    pruner: Pruner, pool: ThreadPoolExecutor, release: threading.Event
) -> None:
    """A late worker may have stored it again after Cloudinary deleted it."""
    storyboard_id = enqueue(pruner.producer, **READY)
    picture = picture_of(storyboard_id)
    list_orphans(pruner.producer, [picture])
    with in_the_call(pruner, pool, release) as pruned:
        pruner.producer.execute("UPDATE storyboard_orphans SET orphaned_at = now()")
    assert pruned.result(10) == Pruned(not_found=1)
    assert listed(pruner.producer) == {picture}


def test_a_deleted_row_is_listed_during_the_call(
    pruner: Pruner, pool: ThreadPoolExecutor, release: threading.Event
) -> None:
    orphans = pruner.orphans(1)
    shown = {**READY, "public_id": "storyboards/shown"}
    storyboard_id = enqueue(pruner.producer, **shown)
    with in_the_call(pruner, pool, release) as pruned:
        delete(pruner.producer, storyboard_id)
        assert listed(pruner.producer) == {*orphans, "storyboards/shown"}
    assert pruned.result(10) == Pruned(deleted=1)


def test_two_prunes_at_once_delete_each_picture_once(
    pruner: Pruner, pool: ThreadPoolExecutor, release: threading.Event, dsn: str
) -> None:
    orphans = pruner.orphans(250)
    with closing(Database(dsn)) as database, in_the_call(pruner, pool, release) as first:
        batches = TellingBatches(database)
        other = replace(pruner, database=database, batches=batches)
        second = pool.submit(other.prune)
        assert batches.has_met_another.wait(10)
        assert len(pruner.cloudinary.requests) == 1
        release.set()
        found = [first.result(30), second.result(30)]
    assert sum(pruned.deleted for pruned in found) == 250
    assert sum(pruned.not_found for pruned in found) == 0
    assert pruner.stored(orphans) == set()


def test_a_killed_prune_loses_nothing(
    pruner: Pruner, pool: ThreadPoolExecutor, release: threading.Event
) -> None:
    """Its session ends in the middle of the call."""
    pruner.orphans(3)
    with in_the_call(pruner, pool, release) as pruned:
        pruner.producer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND state = 'idle in transaction'"
        )
    with pytest.raises(DatabaseUnavailable):
        pruned.result(10)
    assert len(listed(pruner.producer)) == 3
    assert pruner.prune() == Pruned(not_found=3)
