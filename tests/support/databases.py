"""Databases on the tests' server: made, emptied and dropped."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
from psycopg import conninfo, sql

# Makes a database of its own for as long as the block runs, copied from the one named.
NewDatabase = Callable[[str], AbstractContextManager[str]]

# As Supabase makes them; only service_role passes by row-level security.
SUPABASE_ROLES = {
    "anon": "NOLOGIN",
    "authenticated": "NOLOGIN",
    "service_role": "NOLOGIN BYPASSRLS",
}


def with_database(dsn: str, name: str) -> str:
    """The same server, another database."""
    return conninfo.make_conninfo(dsn, dbname=name)


def never_flush(dsn: str) -> None:
    """The data end with the tests. Waiting for the disk is most of what a test would cost."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def create_roles(connection: psycopg.Connection) -> None:
    for role, options in SUPABASE_ROLES.items():
        # Test processes that share a server may meet here.
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(f"CREATE ROLE {role} {options}")


def create_database(connection: psycopg.Connection, name: str, template: str) -> None:
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )


def drop_database(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def delete_rows(connection: psycopg.Connection) -> None:
    """All rows that a test can have left in a migrated database."""
    for kind in ("storyboards", "workers", "alarms", "orphans", "departures"):
        table = kind if kind == "storyboards" else f"storyboard_{kind}"
        connection.execute(f"DELETE FROM {table}")
