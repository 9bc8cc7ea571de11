"""Putting the HTTP side together; loaded only where PORT is set."""

import queue
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

from storyboard_worker import __version__
from storyboard_worker.attempts.outcome import Asked
from storyboard_worker.cli.assembly import Assembly
from storyboard_worker.cli.board_parts import board_reads
from storyboard_worker.cli.scraping import Scraping
from storyboard_worker.queries.pictures import Shown, StoryboardPictures
from storyboard_worker.queries.progress import StoryboardProgress
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.web.application import Application
from storyboard_worker.web.auth import Auth
from storyboard_worker.web.board.board import board_routes
from storyboard_worker.web.board.processing import Processing
from storyboard_worker.web.board.reads import READS_AT_ONCE
from storyboard_worker.web.cached_read import CachedRead
from storyboard_worker.web.cron import Cron
from storyboard_worker.web.errands import Errands
from storyboard_worker.web.health import Health, Table
from storyboard_worker.web.metrics.counts import AttemptCounts
from storyboard_worker.web.metrics.metrics import Metrics, Processes
from storyboard_worker.web.picture.image import PictureImage
from storyboard_worker.web.picture.quick import QuickImages
from storyboard_worker.web.server import HttpServer
from storyboard_worker.web.shared_reads import SharedReads
from storyboard_worker.web.storyboards import Storyboards
from storyboard_worker.worker.check_in import silent_after_seconds
from storyboard_worker.worker.grace import SHORTEST_SECONDS
from storyboard_worker.worker.vitals import Vitals

# Requests have their own connections, and cannot take those of the claim loop.
MAX_CONNECTIONS = 2
ROWS_READ_AT_ONCE = 2
ROWS_PROCESSED_AT_ONCE = 2
PASSES_AT_ONCE = 1
# Threads for the requests that may take long, and some for those that must not wait for them.
THREADS = ROWS_PROCESSED_AT_ONCE + PASSES_AT_ONCE + READS_AT_ONCE + 4
FRESH_SECONDS = 2.0
# Failed rows are counted one by one.
FRESH_FAILURES_SECONDS = 15.0
PATIENCE_SECONDS = 5.0
# A picture that has become ready is shown so much later at most.
FRESH_ROW_SECONDS = 1.0
# Shorter than others: many images may be asked for, and each takes up a thread.
IMAGE_PATIENCE_SECONDS = 2.0


class Http:
    """The HTTP side of one worker process, or of several.

    It serves on ``sockets``, and ``vitals`` are those of the worker that runs beside it. Where the
    workers are ``others``, ``vitals`` are theirs, and ``counts`` are those of this process.
    """

    def __init__(
        self,
        parts: Assembly,
        sockets: Sequence[socket.socket],
        shutdown: Shutdown,
        vitals: Vitals,
        counts: AttemptCounts | None = None,
        others: Processes | None = None,
    ) -> None:
        self._main = parts
        self._parts = parts.beside(max_connections=MAX_CONNECTIONS)
        # A pass that is busy with the database must not delay health and metrics.
        self._looking = parts.beside(max_connections=1)
        # Nor must the reads of images, which are many.
        self._showing = parts.beside(max_connections=1)
        # Nor must the board, which people may leave open.
        self._board = parts.beside(max_connections=READS_AT_ONCE)
        self._settings = parts.settings
        self._shutdown = shutdown
        self._vitals = vitals
        # Not an Event: a signal handler puts into it.
        self._stops: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stop_asked_at: float | None = None
        counts = counts or AttemptCounts()
        self.attempt_ended = counts.attempt_ended
        self._table, self._failures = self._reads_of_table()
        self._metrics = Metrics(__version__, self._scraping().facts, counts, others)
        self._pictures = self._reads_of_pictures()
        cloudinary = parts.settings.cloudinary
        self._images = PictureImage(
            self._pictures, delivery=None if cloudinary is None else cloudinary.delivery
        )
        self._passes = Errands("cron pass", count=PASSES_AT_ONCE)
        self._attempts = Errands("process", count=ROWS_PROCESSED_AT_ONCE)
        self._foreground = self._parts.foreground(self.attempt_ended)
        self._server = HttpServer(
            self._application(),
            sockets,
            threads=THREADS,
            quick=[QuickImages(self._images, self._pictures.recent)],
        )

    def _reads_of_table(self) -> tuple[CachedRead[Table], CachedRead[dict[str, int]]]:
        """Of its counts and workers, and of its failures."""
        table = CachedRead(
            self._read_table, fresh_seconds=FRESH_SECONDS, patience_seconds=PATIENCE_SECONDS
        )
        failures = CachedRead(
            self._looking.counts.failed_by_code,
            fresh_seconds=FRESH_FAILURES_SECONDS,
            patience_seconds=PATIENCE_SECONDS,
        )
        return table, failures

    def _reads_of_pictures(self) -> SharedReads[UUID, Shown]:
        return SharedReads(
            StoryboardPictures(self._showing.database).read,
            fresh_seconds=FRESH_ROW_SECONDS,
            patience_seconds=IMAGE_PATIENCE_SECONDS,
            on_read=self._look_again,
        )

    def _look_again(self) -> None:
        self._server.look_again()

    def _scraping(self) -> Scraping:
        all_parts = (self._main, self._parts, self._looking, self._showing, self._board)
        return Scraping(
            self._settings,
            self._vitals,
            self._parts.breakers,
            [parts.database for parts in all_parts],
            self._table,
            self._failures,
        )

    @contextmanager
    def serving(self) -> Iterator[None]:
        """While inside, requests are answered. At the end it waits for the work that they began,
        within the grace."""
        threading.Thread(target=self._stop_early, name="http stop", daemon=True).start()
        with self._shutdown.calling(self._stop_is_asked_for):
            self._server.start()
            try:
                yield
            finally:
                self._finish()

    def _stop_is_asked_for(self) -> None:
        """Inside a signal handler, where no lock may be taken."""
        self._stop_asked_at = time.monotonic()
        self._stops.put(None)

    def _stop_early(self) -> None:
        self._stops.get()
        self._foreground.stop()

    def _finish(self) -> None:
        grace_seconds = max(self._settings.shutdown_grace_seconds, SHORTEST_SECONDS)
        ends_at = (self._stop_asked_at or time.monotonic()) + grace_seconds
        self._foreground.stop()
        for errands in (self._passes, self._attempts):
            errands.wait_idle(ends_at - time.monotonic())
        self._server.stop()

    def _application(self) -> Application:
        auth = Auth(self._settings.cron_secret)
        health = Health(
            self._settings,
            auth,
            silent_seconds=lambda: self._vitals.silent_seconds,
            most_silent_seconds=silent_after_seconds(self._settings.database_timeout_seconds),
            early_deaths=lambda: self._vitals.early_deaths,
            paused_for_seconds=self._lasting_seconds,
            look=self._table,
        )
        cron = Cron(
            auth, self._sweep, passes=self._passes, is_stopping=lambda: self._shutdown.requested
        )
        storyboards = Storyboards(
            auth,
            progress=StoryboardProgress(self._parts.database).get,
            process=self._process,
            attempt_seconds=self._settings.attempt_timeout_seconds,
            looks=Errands("row", count=ROWS_READ_AT_ONCE),
            attempts=self._attempts,
            is_stopping=lambda: self._shutdown.requested,
        )
        routes = [
            *health.routes(),
            *cron.routes(),
            *storyboards.routes(),
            *self._images.routes(),
            *board_routes(self._settings, board_reads(self._board), self._processing()),
            *self._metrics.routes,
        ]
        return Application(routes, self._parts.reporter.crashed)

    def _processing(self) -> Processing:
        return Processing(
            self._process,
            self._attempts,
            is_stopping=lambda: self._shutdown.requested,
            crashed=self._parts.reporter.crashed,
        )

    def _sweep(self, max_seconds: float) -> dict[str, Any]:
        tally = self._parts.sweep(self._shutdown).run(
            self._parts.attempts,
            self._parts.breakers,
            max_seconds=max_seconds,
            on_ended=self.attempt_ended,
        )
        return asdict(tally)

    def _process(self, storyboard_id: UUID) -> Asked:
        row = self._parts.rows.get(storyboard_id)
        if row is None:
            return Asked.NO_ROW
        return self._foreground.process(row, lambda _step: None)

    def _read_table(self) -> Table:
        return Table(self._looking.counts.read(), self._looking.register.alive())

    def _lasting_seconds(self) -> dict[str, float]:
        lasting = dict(self._vitals.lasting_seconds())
        for upstream, seconds in self._parts.breakers.lasting_seconds().items():
            lasting[upstream] = max(seconds, lasting.get(upstream, 0.0))
        return lasting
