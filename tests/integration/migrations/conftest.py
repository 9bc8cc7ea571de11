from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from tests.integration.migrations.interrupting import AS_IF_INTERRUPTED
from tests.support.stepping import upgrade_to
from tests.support.waiting_rows import BEFORE, RELEASED


@pytest.fixture
def empty(empty_dsn: str) -> Iterator[Database]:
    """The worker's way to a database that has no schema yet."""
    database = Database(empty_dsn)
    yield database
    database.close()


@pytest.fixture
def before(empty: Database, empty_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The producer's connection to a database as it was before links were ranked."""
    upgrade_to(empty, BEFORE)
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '1s'")
        yield connection


@pytest.fixture
def released(empty: Database, empty_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The producer's connection to a database of the released version."""
    upgrade_to(empty, RELEASED)
    with psycopg.connect(empty_dsn, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("SET lock_timeout = '1s'")
        yield connection


@pytest.fixture
def migrating(empty: Database) -> Iterator[Callable[[], Future[list[str]]]]:
    with ThreadPoolExecutor(1) as pool:
        yield lambda: pool.submit(schema.upgrade, empty)


@pytest.fixture
def interrupted(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The producer's connection, after a migration that did everything but record its version."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(AS_IF_INTERRUPTED)
        connection.execute("SET lock_timeout = '1s'")
        yield connection
