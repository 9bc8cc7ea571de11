"""What the board asks the database, so that it disturbs neither the work nor other requests.

Each read has a limited time, a few run at once, and what all pages show is read once for all of
them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.board.causes import BoardCauses, FailedCauses
from storyboard_worker.queries.board.changes import Changes, PanelChanges, Top
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.lives import PanelLife, PanelLives
from storyboard_worker.queries.board.pages import Page, PanelPages
from storyboard_worker.queries.board.places import Place
from storyboard_worker.queries.board.retrying import PanelRetry, Retried
from storyboard_worker.queries.board.summary import BoardSummary, Summary
from storyboard_worker.queries.progress import StoryboardProgress
from storyboard_worker.web.board.remembered import RememberedPanels
from storyboard_worker.web.board.wanted import Wanted
from storyboard_worker.web.cached_read import CachedRead
from storyboard_worker.web.errands import Errands, NoneFree, Overdue

READS_AT_ONCE = 2
LOOK_SECONDS = 5.0
# Three statements, for all pages. A page that asks every 6 s must cost less than one in 2 s.
SUMMARY_FRESH_SECONDS = 20.0
# Causes change slowly, and cost more.
CAUSES_FRESH_SECONDS = 30.0
# How long one press of «retry all» works; the page then offers to go on.
RETRY_SECONDS = 3.0
RETRY_PATIENCE_SECONDS = 15.0

Found = TypeVar("Found")


class BoardReads:
    """All methods raise what a database raises, and :class:`DatabaseUnavailable` when the answer
    takes longer than a page can wait."""

    def __init__(
        self,
        *,
        pages: PanelPages,
        lives: PanelLives,
        changes: PanelChanges,
        retries: PanelRetry,
        progress: StoryboardProgress,
        summary: BoardSummary,
        causes: BoardCauses,
    ) -> None:
        self._pages = pages
        self._lives = lives
        self._changes = RememberedPanels(changes.since)
        self._retries = retries
        self._progress = progress
        self._errands = Errands("board", count=READS_AT_ONCE)
        self.summary: CachedRead[Summary] = CachedRead(
            summary.read, fresh_seconds=SUMMARY_FRESH_SECONDS, patience_seconds=LOOK_SECONDS
        )
        self.causes: CachedRead[FailedCauses] = CachedRead(
            causes.read, fresh_seconds=CAUSES_FRESH_SECONDS, patience_seconds=LOOK_SECONDS
        )

    def page(self, wanted: Wanted) -> Page:
        which, older, newer = wanted.which, wanted.older, wanted.newer
        if older is not None:
            return self._ask(lambda: self._pages.older(which, older))
        if newer is not None:
            return self._ask(lambda: self._pages.newer(which, newer))
        return self._ask(lambda: self._pages.first(which))

    def life(self, storyboard_id: UUID) -> PanelLife | None:
        return self._ask(lambda: self._lives.read(storyboard_id))

    def changes(self, shown: Mapping[UUID, datetime], top: Top | None = None) -> Changes:
        return self._ask(lambda: self._changes.since(shown, top))

    def progress(self, storyboard_id: UUID) -> dict[str, Any] | None:
        """The row of the view ``storyboard_progress``."""
        return self._ask(lambda: self._progress.get(storyboard_id))

    def retry(self, storyboard_id: UUID) -> bool:
        """failed → pending; whether it was failed."""
        return self._change(lambda: self._retries.one(storyboard_id))

    def retry_all(self, which: PanelFilter, since: Place | None) -> Retried:
        """failed → pending, for as many as can be done in some seconds."""
        return self._change(
            lambda: self._retries.all(which, seconds=RETRY_SECONDS, since=since),
            patience_seconds=RETRY_PATIENCE_SECONDS,
        )

    def _change(self, change: Callable[[], Found], patience_seconds: float = LOOK_SECONDS) -> Found:
        """The page that follows must show what was changed."""
        try:
            return self._ask(change, patience_seconds)
        finally:
            self.summary.forget()
            self.causes.forget()

    def _ask(self, ask: Callable[[], Found], patience_seconds: float = LOOK_SECONDS) -> Found:
        try:
            return self._errands.run(
                ask, patience_seconds=patience_seconds, queue_seconds=LOOK_SECONDS
            )
        except (NoneFree, Overdue) as error:
            raise DatabaseUnavailable("the board could not be read in time") from error
