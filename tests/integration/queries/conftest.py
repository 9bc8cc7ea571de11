"""The classes of ``storyboard_worker.queries`` on a database without rows."""

from collections.abc import Callable, Iterator

import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.rows import StoryboardRows
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister

MAX_ATTEMPTS = 8


@pytest.fixture
def one_connection(dsn: str) -> Iterator[Database]:
    """A pool of one, so that each transaction has the same connection."""
    database = Database(dsn, max_connections=1)
    yield database
    database.close()


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
    return WorkerRegister(database, lease_seconds=60)
