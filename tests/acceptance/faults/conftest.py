"""Settings with a short time-out of the database, and commands that start quickly."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.acceptance.faults.databases import Databases
from tests.acceptance.faults.spoiled_command import DATABASE_TIMEOUT_SECONDS, Commands
from tests.support.databases import NewDatabase, delete_rows
from tests.support.forked_command import ForkServer, shared_fork_server


@pytest.fixture(scope="session")
def forks() -> ForkServer:
    return shared_fork_server()


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    # The lease is so long that a rescue comes too late for all of these tests.
    return {
        **settings,
        "DATABASE_TIMEOUT_SECONDS": f"{DATABASE_TIMEOUT_SECONDS:g}",
        "LEASE_SECONDS": "60",
    }


@pytest.fixture
def databases(new_database: NewDatabase, template: str) -> Iterator[Databases]:
    """Migrated and without rows."""
    with ExitStack() as stack:
        yield Databases(stack, new_database, template, delete_rows)


@pytest.fixture
def commands(forks: ForkServer, settings: dict[str, str]) -> Commands:
    return Commands(forks, settings)
