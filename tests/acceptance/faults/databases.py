"""Databases for many runs at once. Each is used by one run after the other."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue

import psycopg

from tests.support.databases import NewDatabase

TERMINATE_OTHERS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Databases:
    """``empty`` makes a used database as good as new."""

    def __init__(
        self,
        stack: ExitStack,
        new_database: NewDatabase,
        template: str,
        empty: Callable[[psycopg.Connection], object],
    ) -> None:
        self._stack = stack
        self._new_database = new_database
        self._template = template
        self._empty = empty
        self._unused: SimpleQueue[str] = SimpleQueue()

    @contextmanager
    def one(self) -> Iterator[tuple[str, psycopg.Connection]]:
        """A database that no other run uses, and a connection to it past any proxy."""
        dsn = self._taken()
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                yield dsn, connection
            finally:
                # Connections that a spoiled run has left open hold locks.
                connection.execute(TERMINATE_OTHERS)
                self._empty(connection)
                self._unused.put(dsn)

    def _taken(self) -> str:
        try:
            return self._unused.get_nowait()
        except Empty:
            return self._stack.enter_context(self._new_database(self._template))
