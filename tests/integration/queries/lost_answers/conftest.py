"""A queue whose database loses answers."""

from collections.abc import Iterator

import pytest

from storyboard_worker.queries import unanswered_claims
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.queries.lost_answers.losing import LosingDatabase


@pytest.fixture
def database(dsn: str) -> Iterator[LosingDatabase]:
    database = LosingDatabase(dsn)
    yield database
    database.close()


@pytest.fixture
def losing_queue(database: LosingDatabase, monkeypatch: pytest.MonkeyPatch) -> StoryboardQueue:
    monkeypatch.setattr(unanswered_claims, "LOOK_EVERY_SECONDS", 0.0)
    return StoryboardQueue(database, worker_id="worker-1", lease_seconds=60)
