from collections.abc import Iterator

import pytest

from storyboard_worker.database import Database


@pytest.fixture
def empty(empty_dsn: str) -> Iterator[Database]:
    """The worker's way to a database that has no schema yet."""
    database = Database(empty_dsn)
    yield database
    database.close()
