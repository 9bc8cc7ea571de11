"""A real Postgres with a migrated template, the stand-ins for both upstreams, and a clock.

The server is the embedded wheel's, or the one in TEST_DATABASE_URL (as a superuser). The
schema comes from the migrations, as everywhere.
"""

import gc
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import conninfo

from storyboard_worker.database import Database, schema
from storyboard_worker.database.embedded import private_postgres
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from tests.support.clock import Clock
from tests.support.databases import (
    NewDatabase,
    create_database,
    create_roles,
    delete_rows,
    drop_database,
    never_flush,
    with_database,
)
from tests.support.order import in_order, processes
from tests.support.sentry_server import SentryServer, sentry_server

TESTS = Path(__file__).parent
# The rooms whose tests leave only rows behind, so that they can share one database.
SHARING_ROOMS = (
    "acceptance/commands",
    "acceptance/run",
    "integration/attempts",
    "integration/nextjs",
    "integration/queries",
    "integration/reporting",
    "integration/schema",
    "integration/secrecy",
    "integration/web",
    "integration/worker",
)
# What the marker `database` may say, and the fixture that makes it.
DATABASES = {"own": "own_dsn", "shared": "emptied_dsn", "unmigrated": "empty_dsn"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_order(items, processes())


def pytest_collection_finish() -> None:
    """Thousands of tests last as long as the process. No search for garbage looks at them again."""
    gc.freeze()


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """A Postgres in which databases and roles may be created."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="storyboard-tests-") as folder,
        private_postgres(Path(folder)) as dsn,
    ):
        never_flush(dsn)
        yield dsn


@pytest.fixture(scope="session")
def new_database(server_dsn: str) -> NewDatabase:
    """For tests whose database outlives one test; the others ask for ``dsn``."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        create_roles(connection)

    @contextmanager
    def new(template: str) -> Iterator[str]:
        name = f"test_{uuid4().hex[:10]}"
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            create_database(connection, name, template)
        try:
            yield with_database(server_dsn, name)
        finally:
            with psycopg.connect(server_dsn, autocommit=True) as connection:
                drop_database(connection, name)

    return new


@pytest.fixture(scope="session")
def template(new_database: NewDatabase) -> Iterator[str]:
    """The name of a migrated database on a server that has Supabase's roles."""
    with new_database("template1") as dsn:
        database = Database(dsn)
        schema.upgrade(database)
        database.close()
        yield str(conninfo.conninfo_to_dict(dsn)["dbname"])


@pytest.fixture
def empty_dsn(new_database: NewDatabase) -> Iterator[str]:
    """A database of the test's own without the schema."""
    with new_database("template1") as dsn:
        yield dsn


@pytest.fixture
def own_dsn(new_database: NewDatabase, template: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    with new_database(template) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def lasting(new_database: NewDatabase, template: str) -> Iterator[psycopg.Connection]:
    """A connection to one migrated database that many tests use, one after the other."""
    with new_database(template) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def emptied_dsn(server_dsn: str, lasting: psycopg.Connection) -> Iterator[str]:
    """The shared migrated database, without rows. It costs much less than a copy."""
    yield with_database(server_dsn, lasting.info.dbname)
    lasting.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    delete_rows(lasting)


@pytest.fixture
def dsn(request: pytest.FixtureRequest) -> str:
    """The database of a test, migrated and without rows unless its marker says otherwise.

    The tests of :data:`SHARING_ROOMS` share one; each other test has its own. The marker
    ``database`` names one of :data:`DATABASES` for a test or a file that needs another kind.
    """
    shares = any(request.path.is_relative_to(TESTS / room) for room in SHARING_ROOMS)
    marker = request.node.get_closest_marker("database")
    kind = marker.args[0] if marker else ("shared" if shares else "own")
    dsn: str = request.getfixturevalue(DATABASES[kind])
    return dsn


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    """The worker's own way to the database."""
    database = Database(dsn)
    yield database
    database.close()


@pytest.fixture
def producer(dsn: str) -> Iterator[psycopg.Connection]:
    """Plain SQL, as any producer writes it; each statement is committed at once."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def cloudinary() -> Iterator[Cloudinary]:
    with Cloudinary() as cloudinary:
        yield cloudinary


@pytest.fixture
def sentry() -> Iterator[SentryServer]:
    with sentry_server() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    """It stands still until a test sets it."""
    return Clock()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What hangs waits for it; it is set at the end of the test in any case."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """A port on loopback that is taken, and at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
