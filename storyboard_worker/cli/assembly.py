"""Putting the parts together, as each command needs them."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from uuid import uuid4

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.cli.output import waiting_for_database
from storyboard_worker.database import Database
from storyboard_worker.database.embedded import private_postgres
from storyboard_worker.database.patience import Insist, Patience, at_once
from storyboard_worker.logs import set_up
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.failures import Failures
from storyboard_worker.queries.next_due import NextDue
from storyboard_worker.queries.rows import StoryboardRows
from storyboard_worker.queries.unanswered_claims import UnansweredClaims
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Pause, Restraint
from storyboard_worker.settings.dsn import EMBEDDED
from storyboard_worker.settings.reading import Settings, read_settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.storyboard import SetAside
from storyboard_worker.transfer.copying import Transfer
from storyboard_worker.transfer.public_addresses import PublicResolver
from storyboard_worker.transfer.source import Source
from storyboard_worker.transfer.spool import Spools
from storyboard_worker.transfer.storage import Storage
from storyboard_worker.wire.pool import IdleConnections
from storyboard_worker.wire.transport import Transport
from storyboard_worker.worker.alarms import Alarms
from storyboard_worker.worker.housekeeping import Housekeeping
from storyboard_worker.worker.one_row import Foreground
from storyboard_worker.worker.sweep import Sweep

# A cron container may start before the database answers.
CHANGING_SECONDS = 30.0
LOOKING_SECONDS = 5.0
# One for its source and one for the storage.
IDLE_CONNECTIONS_OF_A_SLOT = 2

EMBEDDED_DIRECTORY = Path(".storyboard")


def new_worker_id() -> str:
    """Tells host and process, and never comes twice."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"


class Assembly:
    """Each part is made when first asked for, and closed at the end of :func:`assembled`."""

    def __init__(
        self,
        settings: Settings,
        dsn: str,
        redactor: Redactor,
        stack: ExitStack,
    ) -> None:
        self.settings = settings
        self.worker_id = new_worker_id()
        self._dsn = dsn
        self.redactor = redactor
        self._stack = stack

    @cached_property
    def database(self) -> Database:
        database = Database(self._dsn, timeout_seconds=self.settings.database_timeout_seconds)
        self._stack.callback(database.close)
        return database

    @cached_property
    def queue(self) -> StoryboardQueue:
        return StoryboardQueue(
            self.database,
            worker_id=self.worker_id,
            lease_seconds=self.settings.lease_seconds,
            on_set_aside=self._tell_set_aside,
            doubts=self.doubts,
        )

    @cached_property
    def doubts(self) -> UnansweredClaims:
        return UnansweredClaims()

    def _tell_set_aside(self, row: SetAside) -> None:
        self.housekeeping.tell_set_aside(row)

    @cached_property
    def next_due(self) -> NextDue:
        return NextDue(self.database)

    @cached_property
    def rows(self) -> StoryboardRows:
        return StoryboardRows(self.database)

    @cached_property
    def failures(self) -> Failures:
        return Failures(self.database)

    @cached_property
    def counts(self) -> StoryboardCounts:
        return StoryboardCounts(self.database)

    @cached_property
    def register(self) -> WorkerRegister:
        return WorkerRegister(self.database, lease_seconds=self.settings.lease_seconds)

    @cached_property
    def reporter(self) -> Reporter:
        reporter = Reporter(self.settings.sentry, self.redactor, worker_id=self.worker_id)
        self._stack.callback(reporter.close)
        return reporter

    @cached_property
    def housekeeping(self) -> Housekeeping:
        upkeep = Upkeep(
            self.database,
            max_attempts=self.settings.max_attempts,
            on_set_aside=self._tell_set_aside,
        )
        return Housekeeping(upkeep, self.register, self.reporter)

    @cached_property
    def alarms(self) -> Alarms:
        return Alarms(
            AlarmRegister(self.database),
            self.register,
            self.reporter,
            max_wait_seconds=self.settings.health_max_wait_seconds,
        )

    @cached_property
    def breakers(self) -> Breakers:
        return Breakers()

    @cached_property
    def restraint(self) -> Restraint:
        return Restraint(self.settings.worker_concurrency)

    @cached_property
    def attempts(self) -> Attempts:
        return Attempts(
            self.queue,
            self.transfer,
            self.breakers,
            self.reporter,
            self.restraint,
            on_lack=self.alarms.lacking,
            max_own_errors=self.settings.max_attempts,
        )

    def sweep(self, shutdown: Shutdown) -> Sweep:
        return Sweep(
            settings=self.settings,
            queue_=self.queue,
            counts=self.counts,
            housekeeping=self.housekeeping,
            alarms=self.alarms,
            reporter=self.reporter,
            shutdown=shutdown,
            insist=self.changing,
        )

    @cached_property
    def looking(self) -> Patience:
        """For commands that only look: they try for 5 s."""
        return Patience(self.database, LOOKING_SECONDS, tell=waiting_for_database)

    @cached_property
    def changing(self) -> Patience:
        """For commands that change something: they try for 30 s."""
        return Patience(self.database, CHANGING_SECONDS, tell=waiting_for_database)

    def foreground(
        self,
        on_ended: Callable[[Ended], None] | None = None,
        insist: Insist = at_once,
    ) -> Foreground:
        return Foreground(
            insist=insist,
            settings=self.settings,
            rows=self.rows,
            queue_=self.queue,
            housekeeping=self.housekeeping,
            attempts=self.attempts,
            on_ended=on_ended,
        )

    def beside(self, *, max_connections: int) -> "Assembly":
        """Parts for other work in the same process, with connections and a queue of their own:
        that work cannot take the claim loop's. What is known of upstreams is shared."""
        other = Assembly(self.settings, self._dsn, self.redactor, self._stack)
        other.database = self.database.beside(max_connections=max_connections)
        self._stack.callback(other.database.close)
        other.worker_id = self.worker_id
        other.reporter = self.reporter
        # The worker's keeper gives back what the other work has claimed without an answer.
        other.doubts = self.doubts
        other.breakers = self.breakers
        other.restraint = self.restraint
        other.transfer = self.transfer
        return other

    @cached_property
    def transfer(self) -> Transfer:
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
        resolve = PublicResolver(allow_private=settings.source_allow_private)
        source = Source(
            transport(resolve=resolve),
            allowed_hosts=settings.source_hosts,
            allow_http=settings.source_allow_private,
        )
        storage = Storage(transport(), cloudinary)
        self._stack.callback(source.close)
        self._stack.callback(storage.close)
        return Transfer(
            source,
            storage,
            folder=cloudinary.folder,
            max_image_bytes=settings.max_image_bytes,
            verify=settings.verify_stored,
            spools=Spools(Pause(time.monotonic)),
        )


@contextmanager
def assembled(*, uploads: bool = False) -> Iterator[Assembly]:
    """Settings read and checked (``uploads``: Cloudinary's, too), logs set up, parts at hand.

    Raises :class:`SettingsError` before anything is touched.
    """
    settings = read_settings(os.environ)
    if uploads:
        settings.require_cloudinary()
    with assembled_from(settings) as parts:
        yield parts


@contextmanager
def assembled_from(settings: Settings) -> Iterator[Assembly]:
    """The same from settings that were read already."""
    redactor = Redactor(settings.secrets)
    set_up(settings.log_format, redactor)
    with ExitStack() as stack:
        dsn = settings.database_dsn
        if dsn == EMBEDDED:
            dsn = stack.enter_context(private_postgres(EMBEDDED_DIRECTORY))
        yield Assembly(settings, dsn, redactor, stack)
