"""The HTTP side of a worker that does not run, with everything below it real."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from storyboard_worker.cli.assembly import assembly_of
from storyboard_worker.cli.run import worker_of
from storyboard_worker.cli.serving import Http
from storyboard_worker.cli.shared_parts import SharedParts
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.settings.reading import Settings
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.web.server import listening_sockets
from storyboard_worker.worker.vitals import Vitals
from tests.integration.web.served import SECRET, Serve, Served


@pytest.fixture
def settings(dsn: str, cloudinary: Cloudinary) -> Settings:
    return Settings(
        database_dsn=dsn,
        cloudinary=CloudinarySettings(
            cloudinary.cloud_name, cloudinary.api_key, cloudinary.api_secret, cloudinary.url
        ),
        sentry=SentrySettings(),
        source_allow_private=True,
        cron_secret=SECRET,
        shutdown_grace_seconds=2,
    )


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    """Serves with some settings changed."""
    with ExitStack() as stack:

        def serve(**changed: Any) -> Served:
            used = replace(settings, **changed)
            shared = SharedParts(used, Redactor(used.secrets), stack)
            parts = assembly_of(shared, used.database_dsn)
            shutdown, vitals = Shutdown(), Vitals()
            http = Http(parts, listening_sockets(0), shutdown, vitals)
            worker = worker_of(parts, shutdown, vitals, http.attempt_ended)
            stack.enter_context(http.serving())
            return Served(http._server.port, http, worker, shutdown)

        yield serve


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve()


@pytest.fixture
def alive(producer: psycopg.Connection) -> Callable[..., None]:
    """Puts a worker into the register."""

    def alive(seen_ago: timedelta = timedelta(0), paused: str = "{}") -> None:
        producer.execute(
            "INSERT INTO storyboard_workers "
            "(worker_id, hostname, pid, version, concurrency, last_seen_at, paused) "
            "VALUES ('worker-1', 'host-1', 17, '0.1.0', 16, now() - %s, %s)",
            [seen_ago, paused],
        )

    return alive
