"""The parts that all work of one process has in common."""

import os
import socket
import time
from contextlib import ExitStack
from functools import cached_property, partial
from uuid import uuid4

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.queries.unanswered_claims import UnansweredClaims
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Pause, Restraint
from storyboard_worker.settings.reading import Settings
from storyboard_worker.transfer.cdn import Cdn
from storyboard_worker.transfer.copying import Transfer
from storyboard_worker.transfer.public_addresses import PublicResolver
from storyboard_worker.transfer.source import Source
from storyboard_worker.transfer.spool import Spools
from storyboard_worker.transfer.storage import Storage
from storyboard_worker.wire.pool import IdleConnections
from storyboard_worker.wire.transport import Transport

# One for its source and one for the storage.
IDLE_CONNECTIONS_OF_A_SLOT = 2
# A sweep that asks the CDN gives each picture less time in all.
CDN_TIMEOUT_SECONDS = 5.0


def new_worker_id() -> str:
    """Names host and process, and is never given twice."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"


class SharedParts:
    """What is known of upstreams, what is reported, and the connections to upstreams.

    ``stack`` closes what is opened. ``doubts`` are claims whose answer was lost: the worker's
    keeper gives them back, whichever work of the process made them.
    """

    def __init__(self, settings: Settings, redactor: Redactor, stack: ExitStack) -> None:
        self.settings = settings
        self.redactor = redactor
        self.stack = stack
        self.worker_id = new_worker_id()
        self.doubts = UnansweredClaims()
        self.breakers = Breakers()
        self.restraint = Restraint(settings.worker_concurrency)

    @cached_property
    def reporter(self) -> Reporter:
        reporter = Reporter(self.settings.sentry, self.redactor, worker_id=self.worker_id)
        self.stack.callback(reporter.close)
        return reporter

    @cached_property
    def transfer(self) -> Transfer:
        """Raises :class:`SettingsError` where Cloudinary is not set."""
        settings = self.settings
        cloudinary = settings.require_cloudinary()
        idle = IdleConnections(most=IDLE_CONNECTIONS_OF_A_SLOT * settings.worker_concurrency)
        self.restraint.relieved_by(idle.evict)
        transport = partial(
            Transport,
            idle=idle,
            connect_timeout_seconds=settings.connect_timeout_seconds,
            read_timeout_seconds=settings.read_timeout_seconds,
        )
        source = Source(
            transport(resolve=self._guard),
            allowed_hosts=settings.source_hosts,
            allow_http=settings.source_allow_private,
        )
        storage = Storage(transport(), cloudinary)
        self.stack.callback(source.close)
        self.stack.callback(storage.close)
        return Transfer(
            source,
            storage,
            folder=cloudinary.folder,
            max_image_bytes=settings.max_image_bytes,
            verify=settings.verify_stored,
            spools=Spools(Pause(time.monotonic)),
        )

    @cached_property
    def cdn(self) -> Cdn:
        transport = Transport(
            resolve=self._guard,
            connect_timeout_seconds=CDN_TIMEOUT_SECONDS,
            read_timeout_seconds=CDN_TIMEOUT_SECONDS,
        )
        allow_http = self.settings.source_allow_private
        cdn = Cdn(transport, allow_http=allow_http, redactor=self.redactor)
        self.stack.callback(cdn.close)
        return cdn

    @cached_property
    def _guard(self) -> PublicResolver:
        return PublicResolver(allow_private=self.settings.source_allow_private)
