"""The Postgres of a run, its databases, and their costs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from storyboard_worker.database import Database, schema
from storyboard_worker.database.embedded import private_postgres
from tests.benchmarks.checks import check, wait_until
from tests.benchmarks.sampling import family_cpu_seconds, name_and_parent
from tests.support.database_url import url_of

# The harness's own name, which tells it from the processes that are measured.
HARNESS = "benchmark"


@dataclass(frozen=True)
class Server:
    dsn: str
    postmaster_pid: int
    connection: psycopg.Connection
    """To a database where nothing is measured."""

    @property
    def version(self) -> str:
        (version,) = self.ask("SHOW server_version")
        return str(version)

    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far."""
        return family_cpu_seconds(self.postmaster_pid)

    def ask(self, query: LiteralString, *parameters: object) -> tuple[Any, ...]:
        """The only row of a query."""
        row = self.connection.execute(query, parameters).fetchone()
        assert row is not None
        return row


@dataclass(frozen=True)
class BenchDatabase:
    """A database with the worker's schema."""

    server: Server
    name: str

    @property
    def dsn(self) -> str:
        return psycopg.conninfo.make_conninfo(self.server.dsn, dbname=self.name)

    @property
    def url(self) -> str:
        return url_of(self.dsn)

    def connect(self) -> psycopg.Connection:
        """A DSN for the harness. Each connection counts as a transaction."""
        return psycopg.connect(self.dsn, autocommit=True, application_name=HARNESS)

    def is_resting(self) -> bool:
        """Whether all connections but the harness's have done nothing for a moment."""
        (busy,) = self.server.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            " AND backend_type = 'client backend' AND application_name <> %s"
            " AND NOT (state = 'idle' AND state_change < now() - interval '0.3 seconds')",
            self.name,
            HARNESS,
        )
        return bool(busy == 0)

    def transactions(self) -> int:
        """How many transactions there have been in all.

        It waits until no connection is left, because a connection may report its last
        transactions only when it ends.
        """
        wait_until(self._is_left, "all connections to end")
        return self.reported_transactions()

    def reported_transactions(self) -> int:
        (count,) = self.server.ask(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s",
            self.name,
        )
        return int(count)

    def _is_left(self) -> bool:
        (connected,) = self.server.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            " AND backend_type = 'client backend'",
            self.name,
        )
        return bool(connected == 0)


@contextmanager
def running_server(folder: Path, given: str | None) -> Iterator[Server]:
    """The server that is given, or else one for the block with its data in ``folder``."""
    with (
        nullcontext(given) if given else private_postgres(folder) as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        yield Server(dsn, _postmaster_pid(connection), connection)


def _postmaster_pid(connection: psycopg.Connection) -> int:
    """The process id of the parent of the process behind the connection."""
    try:
        name, parent = name_and_parent(connection.info.backend_pid)
    except FileNotFoundError:
        name, parent = "", 0
    check(name == "postgres", "the server does not run on this machine, or is behind a pooler")
    return parent


@contextmanager
def fresh_database(server: Server) -> Iterator[BenchDatabase]:
    """A migrated and empty database, which is dropped at the end."""
    database = BenchDatabase(server, f"bench_{time.monotonic_ns()}")
    name = sql.Identifier(database.name)
    server.connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    try:
        migrating = Database(database.dsn)
        schema.upgrade(migrating)
        migrating.close()
        yield database
    finally:
        server.connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
