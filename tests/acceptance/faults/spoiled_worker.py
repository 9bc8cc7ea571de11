"""A worker behind the proxy, and the rows that it is given."""

import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import SourceFault
from storyboard_worker.demo.origin import Origin
from tests.support.database_proxy import DatabaseProxy
from tests.support.database_url import url_of
from tests.support.forked_command import ForkedCommand, ForkServer
from tests.support.panels import enqueue_panel
from tests.support.producing import storyboard
from tests.support.waiting import eventually

# Events that come by themselves come soon, and waits for a turn are short.
QUICK = """
from storyboard_worker.attempts import policy
from storyboard_worker.worker import listener, crew, proofs
crew.BEAT_SECONDS = 0.5
listener.RECONNECT_SECONDS = (0.1, 0.3)
listener.WAIT_SECONDS = 0.5
proofs.PROVEN_EVERY_SECONDS = 1.0
policy.BACKOFF_BASE_SECONDS = 0.1
"""

QUIET_SECONDS = 0.1
LEASE_LOST = {"lease lost", "storyboard lease lost"}

LogLine = dict[str, Any]


class SpoiledWorker:
    """One worker with a database of its own; made by :func:`spoiled_worker`."""

    def __init__(
        self,
        command: ForkedCommand,
        proxy: DatabaseProxy,
        producer: psycopg.Connection,
        origin: Origin,
        cloudinary: Cloudinary,
    ) -> None:
        self.command = command
        self.proxy = proxy
        self.producer = producer
        self._origin = origin
        self._cloudinary = cloudinary

    def give(self, *faults: SourceFault, **columns: Any) -> UUID:
        """A row for an image of its own."""
        return enqueue_panel(self.producer, self._origin, f"{uuid4().hex}.jpg", faults, **columns)

    def is_quiet(self) -> bool:
        """Whether it has had no exchange with its database for a little while."""
        return self.proxy.exchanges[-1].sent_at < time.monotonic() - QUIET_SECONDS

    def outcome(self, id_: UUID) -> tuple[str, int]:
        """The row's status and attempts."""
        row = storyboard(self.producer, id_)
        return row["status"], row["attempts"]

    def uploads(self, id_: UUID) -> int:
        """How often the image of this row was stored."""
        return sum(str(id_) in upload.public_id for upload in self._cloudinary.uploads)

    @property
    def log(self) -> list[LogLine]:
        whole = self.command.err.rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def logged(self, message: str) -> list[LogLine]:
        """The lines so far whose message begins so."""
        return [line for line in self.log if line["message"].startswith(message)]

    def told_of(self, id_: UUID, message: str, since: int) -> int:
        """How many such lines there are.

        They are of this row or of no particular row, and come after the first ``since`` lines.
        """
        lines = [line for line in self.log[since:] if line["message"] == message]
        return sum(line.get("storyboard_id") in {None, str(id_)} for line in lines)

    @property
    def last_seen_at(self) -> datetime | None:
        """The moment of its last heartbeat."""
        row = self.producer.execute("SELECT max(last_seen_at) FROM storyboard_workers").fetchone()
        assert row is not None
        seen_at: datetime | None = row[0]
        return seen_at

    @property
    def listens(self) -> bool:
        """Whether it listens, by what it has logged."""
        begun = len(self.logged("listening for new rows"))
        return begun > len(self.logged("listening ended"))

    def told(self) -> str:
        """The end of its log, in short."""
        messages = [f"{line['message']} {line.get('reason', '')}" for line in self.log]
        return " | ".join(message[:90] for message in messages[-6:])

    def assert_nothing_broke(self) -> None:
        assert self.command.is_running, "it has ended"
        assert "Traceback" not in self.command.err, "a traceback"
        assert '"exception"' not in self.command.err, "an exception in the log"
        lost = [line for line in self.log if line["message"] in LEASE_LOST]
        assert not lost, "it says that a lease was lost"


@contextmanager
def spoiled_worker(
    forks: ForkServer,
    dsn: str,
    settings: Mapping[str, str],
    origin: Origin,
    cloudinary: Cloudinary,
    proxy: DatabaseProxy,
    changes: str = QUICK,
) -> Iterator[SpoiledWorker]:
    """A worker that runs, and may not have reached its database yet."""
    changed = {**settings, "DATABASE_URL": url_of(proxy.dsn)}
    with psycopg.connect(dsn, autocommit=True) as producer:
        command = forks.start(["run"], changed, changes)
        try:
            yield SpoiledWorker(command, proxy, producer, origin, cloudinary)
        finally:
            command.signal(signal.SIGKILL)
            eventually(lambda: not command.is_running)
