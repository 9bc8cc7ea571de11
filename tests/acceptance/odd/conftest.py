"""Databases, roles and servers that differ from the usual ones."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.acceptance.odd.plain_session import plain_session
from tests.support.running_command import StoryboardWorker


@pytest.fixture
def producer(dsn: str) -> Iterator[psycopg.Connection]:
    with plain_session(dsn) as connection:
        yield connection


@pytest.fixture
def storyboard_worker(settings: dict[str, str]) -> Iterator[StoryboardWorker]:
    command = StoryboardWorker({**settings, "LEASE_SECONDS": "60", "LOG_FORMAT": "json"})
    yield command
    command.close()
