"""Putting the parts together, as each command needs them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import OnEnded
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.cli.output import waiting_for_database
from storyboard_worker.cli.shared_parts import SharedParts
from storyboard_worker.database import Database
from storyboard_worker.database.embedded import private_postgres
from storyboard_worker.database.patience import Insist, Patience, at_once
from storyboard_worker.logs import set_up
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.failures import Failures
from storyboard_worker.queries.new_pictures import NewPictures
from storyboard_worker.queries.next_due import NextDue
from storyboard_worker.queries.rows import StoryboardRows
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.dsn import EMBEDDED
from storyboard_worker.settings.reading import Settings, read_settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.storyboard import SetAside
from storyboard_worker.transfer.cdn import Cdn
from storyboard_worker.worker.alarms import Alarms
from storyboard_worker.worker.cdn_check import CdnCheck
from storyboard_worker.worker.housekeeping import Housekeeping
from storyboard_worker.worker.one_row import Foreground
from storyboard_worker.worker.pruning import Pruning
from storyboard_worker.worker.sweep import Sweep

# A cron container may start before the database answers.
CHANGING_SECONDS = 30.0
LOOKING_SECONDS = 5.0

EMBEDDED_DIRECTORY = Path(".storyboard")


class Assembly:
    """The parts of one kind of work, with connections and a queue of its own.

    Each part is made when first asked for, and closed at the end of :func:`assembled`. ``shared``
    are the parts that it has in common with the other work of the process.
    """

    def __init__(self, shared: SharedParts, open_database: Callable[[], Database]) -> None:
        self._shared = shared
        self._open_database = open_database
        self.settings = shared.settings
        self.worker_id = shared.worker_id

    @property
    def redactor(self) -> Redactor:
        return self._shared.redactor

    @property
    def reporter(self) -> Reporter:
        return self._shared.reporter

    @property
    def breakers(self) -> Breakers:
        return self._shared.breakers

    @property
    def restraint(self) -> Restraint:
        return self._shared.restraint

    @property
    def cdn(self) -> Cdn:
        return self._shared.cdn

    @cached_property
    def database(self) -> Database:
        database = self._open_database()
        self._shared.stack.callback(database.close)
        return database

    @cached_property
    def queue(self) -> StoryboardQueue:
        return StoryboardQueue(
            self.database,
            worker_id=self.worker_id,
            lease_seconds=self.settings.lease_seconds,
            on_set_aside=self._tell_set_aside,
            doubts=self._shared.doubts,
        )

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
    def housekeeping(self) -> Housekeeping:
        upkeep = Upkeep(
            self.database,
            max_attempts=self.settings.max_attempts,
            folder=self.settings.folder,
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
            cdn_check=self.cdn_check if self.settings.cdn_check else None,
        )

    @cached_property
    def cdn_check(self) -> CdnCheck:
        return CdnCheck(NewPictures(self.database), self.cdn)

    @cached_property
    def attempts(self) -> Attempts:
        return Attempts(
            self.queue,
            self._shared.transfer,
            self.breakers,
            self.reporter,
            self.restraint,
            on_lack=self.alarms.lacking,
            max_own_errors=self.settings.max_attempts,
        )

    def sweep(self, shutdown: Shutdown, pruning: Pruning | None = None) -> Sweep:
        sweep = Sweep(
            settings=self.settings,
            queue_=self.queue,
            counts=self.counts,
            housekeeping=self.housekeeping,
            alarms=self.alarms,
            reporter=self.reporter,
            shutdown=shutdown,
            insist=self.changing,
        )
        sweep.pruning = pruning
        return sweep

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
        on_ended: OnEnded | None = None,
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
        """Parts for other work in the same process, which cannot take the claim loop's
        connections."""
        open_database = partial(self.database.beside, max_connections=max_connections)
        return Assembly(self._shared, open_database)


@contextmanager
def assembled(*, uploads: bool = False) -> Iterator[Assembly]:
    """Reads and checks the settings (with ``uploads`` also Cloudinary's), sets up the log, and
    yields the parts.

    Raises :class:`SettingsError` before anything is touched.
    """
    with assembled_from(checked_settings(uploads=uploads)) as parts:
        yield parts


def checked_settings(*, uploads: bool = False) -> Settings:
    """The settings (with ``uploads`` also Cloudinary's); raises :class:`SettingsError`."""
    settings = read_settings(os.environ)
    if uploads:
        settings.require_cloudinary()
    return settings


@contextmanager
def assembled_from(settings: Settings) -> Iterator[Assembly]:
    """Like :func:`assembled`, with settings that were read already."""
    redactor = set_up_log(settings)
    with database_of(settings) as dsn, ExitStack() as stack:
        yield assembly_of(SharedParts(settings, redactor, stack), dsn)


def set_up_log(settings: Settings) -> Redactor:
    """The redactor that all lines pass."""
    redactor = Redactor(settings.secrets)
    set_up(settings.log_format, redactor)
    return redactor


@contextmanager
def database_of(settings: Settings) -> Iterator[str]:
    """Its DSN. A private one runs while the block does."""
    if settings.database_dsn != EMBEDDED:
        yield settings.database_dsn
        return
    with private_postgres(EMBEDDED_DIRECTORY) as dsn:
        yield dsn


def assembly_of(shared: SharedParts, dsn: str) -> Assembly:
    """The parts of a process's main work, on the database at ``dsn``."""
    timeout_seconds = shared.settings.database_timeout_seconds
    return Assembly(shared, partial(Database, dsn, timeout_seconds=timeout_seconds))
