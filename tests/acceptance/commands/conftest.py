"""The commands, pointed at the stand-ins and at a database without rows."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.support.running_command import FreshStoryboardWorker, StoryboardWorker
from tests.support.running_demo import assert_nothing_left, folder_for_demos
from tests.support.tallies import Register


@pytest.fixture
def storyboard_worker(settings: dict[str, str]) -> Iterator[StoryboardWorker]:
    # Long enough for a row of a worker to count as alive while a command starts.
    command = StoryboardWorker({**settings, "LEASE_SECONDS": "60"})
    yield command
    command.close()


@pytest.fixture
def without_settings() -> Iterator[StoryboardWorker]:
    command = StoryboardWorker({})
    yield command
    command.close()


@pytest.fixture
def fresh_without_settings() -> Iterator[FreshStoryboardWorker]:
    command = FreshStoryboardWorker({})
    yield command
    command.close()


@pytest.fixture
def register(producer: psycopg.Connection) -> Register:
    """Adds the row of a worker that was last seen so long ago."""

    def register(worker_id: str, seen_ago: timedelta) -> None:
        producer.execute(
            "INSERT INTO storyboard_workers "
            "(worker_id, hostname, pid, version, concurrency, last_seen_at) "
            "VALUES (%s, 'host-1', 17, '0.1.0', 16, now() - %s)",
            [worker_id, seen_ago],
        )

    return register


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_for_demos() as folder:
        yield folder


@pytest.fixture
def demo(folder: Path) -> Iterator[FreshStoryboardWorker]:
    """In a folder of its own, in which nothing may be left."""
    command = FreshStoryboardWorker({"TMPDIR": str(folder)})
    yield command
    command.close()
    assert_nothing_left(folder)
