"""A database for each test, the stand-ins, and the command pointed at them."""

from collections.abc import Iterator

import pytest

from tests.acceptance.commands.running import StoryboardWorker


@pytest.fixture
def dsn(emptied_dsn: str) -> str:
    """These tests leave only rows behind."""
    return emptied_dsn


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
