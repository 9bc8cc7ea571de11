"""A real Postgres with a migrated template, a copy for each test that asks for one.

The server is the embedded wheel's, or the one in TEST_DATABASE_URL (as a superuser). The
schema comes from the migrations, as everywhere.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import conninfo, sql

from storyboard_worker.database import Database, schema
from storyboard_worker.database.embedded import private_postgres

# As Supabase makes them; only service_role passes by row-level security.
SUPABASE_ROLES = {
    "anon": "NOLOGIN",
    "authenticated": "NOLOGIN",
    "service_role": "NOLOGIN BYPASSRLS",
}

# Makes a database of its own for as long as the block runs, copied from the one named.
NewDatabase = Callable[[str], AbstractContextManager[str]]


def with_database(dsn: str, name: str) -> str:
    """The same server, another database."""
    return conninfo.make_conninfo(dsn, dbname=name)


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
        _never_flush(dsn)
        yield dsn


def _never_flush(dsn: str) -> None:
    """The data end with the tests; waiting for the disk is most of what a test would cost."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def new_database(server_dsn: str) -> NewDatabase:
    """For tests whose database outlives one test; the others ask for ``dsn``."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        _create_roles(connection)

    @contextmanager
    def new(template: str) -> Iterator[str]:
        name = f"test_{uuid4().hex[:10]}"
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            _create(connection, name, template)
        try:
            yield with_database(server_dsn, name)
        finally:
            with psycopg.connect(server_dsn, autocommit=True) as connection:
                _drop(connection, name)

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
    """A database of its own without the schema."""
    with new_database("template1") as dsn:
        yield dsn


@pytest.fixture
def dsn(new_database: NewDatabase, template: str) -> Iterator[str]:
    """A migrated database of its own."""
    with new_database(template) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def lasting(new_database: NewDatabase, template: str) -> Iterator[psycopg.Connection]:
    """A connection to one migrated database that many tests use, one after the other."""
    with new_database(template) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def emptied_dsn(server_dsn: str, lasting: psycopg.Connection) -> Iterator[str]:
    """A migrated database without rows, for tests that leave nothing but rows behind.

    Much cheaper than a copy; a folder asks for it by a ``dsn`` of its own.
    """
    yield with_database(server_dsn, lasting.info.dbname)
    lasting.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    lasting.execute("DELETE FROM storyboards")
    lasting.execute("DELETE FROM storyboard_workers")
    lasting.execute("DELETE FROM storyboard_alarms")


def _create_roles(connection: psycopg.Connection) -> None:
    for role, options in SUPABASE_ROLES.items():
        # Test processes that share a server may meet here.
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(f"CREATE ROLE {role} {options}")


def _create(connection: psycopg.Connection, name: str, template: str) -> None:
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


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
