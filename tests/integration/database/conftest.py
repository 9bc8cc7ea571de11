"""A scripted server, and the worker's way to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from storyboard_worker.database import Database
from tests.integration.database.scripted_postgres import TIMEOUT_SECONDS, ScriptedPostgres, Serve
from tests.support.scripted_server import ScriptedServer


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts the server; its DSN."""
    with ExitStack() as stack:

        def serve(script: ScriptedPostgres) -> str:
            server = stack.enter_context(ScriptedServer(script))
            return f"host=127.0.0.1 port={server.port} user=x dbname=x sslmode=disable"

        yield serve


@pytest.fixture
def database_of(serve: Serve) -> Iterator[Callable[[ScriptedPostgres], Database]]:
    with ExitStack() as stack:

        def database_of(script: ScriptedPostgres) -> Database:
            database = Database(serve(script), timeout_seconds=TIMEOUT_SECONDS)
            stack.callback(database.close)
            return database

        yield database_of
