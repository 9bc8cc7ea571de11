"""What the tests of the HTTP side share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storyboard_worker.cli.serving import Http
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.worker import Worker
from tests.support.http_client import Reply, call

SECRET = "s3cret-of-cron"
CRON = "/api/cron/download-pending-storyboards"

# A database that cannot be reached.
AWAY = "postgresql://worker@127.0.0.1:1/nothing"


@dataclass
class Served:
    """A server under test, with the parts that a test may look at and change."""

    port: int
    http: Http
    worker: Worker
    shutdown: Shutdown

    def get(self, path: str, **kwargs: Any) -> Reply:
        return call(self.port, path, **kwargs)

    def cron(self, query: str = "", token: str | None = SECRET, method: str = "GET") -> Reply:
        return call(self.port, CRON + query, method, token=token)

    def process(self, storyboard_id: object, token: str | None = SECRET) -> Reply:
        return call(self.port, f"/api/storyboards/{storyboard_id}/process", "POST", token=token)


# Serves with some settings changed.
Serve = Callable[..., Served]
