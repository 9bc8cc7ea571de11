"""The classes of ``storyboard_worker.queries`` on a database without rows."""

from collections.abc import Callable, Iterator

import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.rows import StoryboardRows
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister

LEASE_SECONDS = 60.0
MAX_ATTEMPTS = 8


@pytest.fixture
def dsn(emptied_dsn: str) -> str:
    return emptied_dsn


@pytest.fixture
def one_connection(dsn: str) -> Iterator[Database]:
    """A pool of one, so that each transaction has the same connection."""
    database = Database(dsn, max_connections=1)
    yield database
    database.close()


@pytest.fixture
def queue_of(database: Database) -> Callable[[str], StoryboardQueue]:
    """The queue as the worker of that name sees it."""
    return lambda worker_id: StoryboardQueue(
        database, worker_id=worker_id, lease_seconds=LEASE_SECONDS
    )


@pytest.fixture
def queue(queue_of: Callable[[str], StoryboardQueue]) -> StoryboardQueue:
    return queue_of("worker-1")


@pytest.fixture
def other_queue(queue_of: Callable[[str], StoryboardQueue]) -> StoryboardQueue:
    return queue_of("worker-2")


@pytest.fixture
def upkeep(database: Database) -> Upkeep:
    return Upkeep(database, max_attempts=MAX_ATTEMPTS)


@pytest.fixture
def rows(database: Database) -> StoryboardRows:
    return StoryboardRows(database)


@pytest.fixture
def counts(database: Database) -> StoryboardCounts:
    return StoryboardCounts(database)


@pytest.fixture
def register(database: Database) -> WorkerRegister:
    return WorkerRegister(database, lease_seconds=LEASE_SECONDS)
