"""One database with Realtime for the tests that leave only rows behind."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from tests.support.databases import NewDatabase, delete_rows
from tests.support.realtime import install_realtime, sent


@pytest.fixture(scope="module")
def live_dsn(new_database: NewDatabase, template: str) -> Iterator[str]:
    with new_database(template) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            install_realtime(connection)
        database = Database(dsn)
        schema.upgrade(database)
        database.close()
        yield dsn


@pytest.fixture
def live(live_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """A producer's connection to a database with Realtime, where nothing has been sent yet."""
    with psycopg.connect(live_dsn, autocommit=True) as connection:
        yield connection
        connection.execute("RESET ROLE")
        install_realtime(connection)
        delete_rows(connection)
        sent(connection)
