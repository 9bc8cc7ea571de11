"""Attempts with everything real: the queue, the transfer, and sockets of the stand-ins."""

import logging
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.database import Database
from storyboard_worker.errors import ResourceExhausted
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.storyboard import Claim
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.transfer.copying import Transfer
from storyboard_worker.wire.deadline import Deadline
from tests.support.producing import enqueue, storyboard
from tests.support.stage import PLENTY_SECONDS, Stage

WORKER_ID = "worker-1"


@dataclass
class Bench:
    """One worker's parts, without its threads."""

    stage: Stage
    producer: psycopg.Connection
    queue: StoryboardQueue
    breakers: Breakers
    reporter: Reporter
    deadline: Deadline
    restraint: Restraint = field(default_factory=lambda: Restraint(2))
    lacks: list[ResourceExhausted] = field(default_factory=list)

    def attempts(self, transfer: Transfer | None = None) -> Attempts:
        return Attempts(
            self.queue,
            transfer or self.stage.transfer,
            self.breakers,
            self.reporter,
            self.restraint,
            on_lack=self.lacks.append,
            jitter=random.Random(5),
        )

    def claim(self, source_url: str, **columns: Any) -> Claim:
        """Enqueue a row and take it."""
        storyboard_id = enqueue(self.producer, source_url, **columns)
        return self.claim_again(storyboard_id)

    def claim_again(self, storyboard_id: UUID) -> Claim:
        claim = self.queue.claim_one(storyboard_id)
        assert claim is not None
        return claim

    def run(self, claim: Claim, transfer: Transfer | None = None) -> Ended:
        return self.attempts(transfer).run(Attempt(claim, self.deadline))

    def row(self, claim: Claim) -> dict[str, Any]:
        return storyboard(self.producer, claim.id)

    def waits_seconds(self, claim: Claim) -> float:
        """How far away the row's next attempt was when the last one was written down."""
        row = self.row(claim)
        seconds: float = (row["available_at"] - row["errored_at"]).total_seconds()
        return seconds


def new_bench(
    stage: Stage, database: Database, producer: psycopg.Connection, reporter: Reporter | None = None
) -> Bench:
    return Bench(
        stage,
        producer,
        StoryboardQueue(database, worker_id=WORKER_ID, lease_seconds=60),
        Breakers(),
        reporter or Reporter(SentrySettings(), Redactor(), worker_id=WORKER_ID),
        Deadline(PLENTY_SECONDS),
    )


@contextmanager
def heard_in_the_log(message: str) -> Iterator[threading.Event]:
    """An event that is set once ``message`` is logged."""
    heard = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == message:
                heard.set()

    listener = Listener()
    logger = logging.getLogger("storyboard_worker")
    logger.addHandler(listener)
    try:
        yield heard
    finally:
        logger.removeHandler(listener)
