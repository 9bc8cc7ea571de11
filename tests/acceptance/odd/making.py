"""Databases with an encoding or with defaults that the worker did not choose."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql

from storyboard_worker.database import Database, schema
from tests.support.databases import with_database


@contextmanager
def database_in(server_dsn: str, encoding: str) -> Iterator[str]:
    """A migrated database of the block's own, in that encoding."""
    name = sql.Identifier(f"test_{uuid4().hex[:10]}")
    create = sql.SQL(
        "CREATE DATABASE {} ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ).format(name, encoding)
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(create)
        try:
            dsn = with_database(server_dsn, name.as_string()[1:-1])
            database = Database(dsn)
            schema.upgrade(database)
            database.close()
            yield dsn
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def set_defaults(producer: psycopg.Connection, defaults: Sequence[str]) -> None:
    """Set defaults for all sessions that begin afterwards."""
    database = sql.Identifier(producer.info.dbname)
    for default in defaults:
        alter = sql.SQL("ALTER DATABASE {} SET ").format(database).as_string() + default
        producer.execute(alter.encode())
