"""Settings with a short time-out of the database, and commands that start quickly."""

from collections.abc import Iterator

import pytest

from tests.acceptance.faults.forked_command import ForkServer, fork_server
from tests.acceptance.faults.spoiled_command import DATABASE_TIMEOUT_SECONDS, Commands


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    with fork_server() as forks:
        yield forks


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    # A lease so long that a rescue by it comes too late for any of these tests.
    return {
        **settings,
        "DATABASE_TIMEOUT_SECONDS": f"{DATABASE_TIMEOUT_SECONDS:g}",
        "LEASE_SECONDS": "60",
    }


@pytest.fixture
def commands(forks: ForkServer, settings: dict[str, str]) -> Commands:
    return Commands(forks, settings)
