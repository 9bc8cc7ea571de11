"""Puts failed rows back from the board: one, those of a filter, those of a cause."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.pages import PanelPages
from storyboard_worker.queries.board.places import Place
from storyboard_worker.queries.rows import FailedFilter, StoryboardRows
from storyboard_worker.storyboard import Status


@dataclass(frozen=True, slots=True)
class Retried:
    """How many rows were put back. ``rest`` is where to go on, ``None`` when all were looked at."""

    count: int
    rest: Place | None


class PanelRetry:
    """``pages`` are large ones: each is a batch, which keeps its rows locked until it ends."""

    def __init__(
        self,
        rows: StoryboardRows,
        pages: PanelPages,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._pages = pages
        self._clock = clock

    def one(self, storyboard_id: UUID) -> bool:
        """failed → pending, afresh; whether it was failed and is put back now."""
        return bool(self._rows.retry(FailedFilter(ids=[storyboard_id])))

    def all(self, which: PanelFilter, *, seconds: float, since: Place | None = None) -> Retried:
        """failed → pending, afresh, for the failed rows that fit, for about so many ``seconds``.

        The newest rows come first; ``since`` is the ``rest`` of a call before. A row that fails
        again in the meantime is not put back twice. A row that is locked stays failed.
        """
        if Status.FAILED not in which.states:
            return Retried(0, None)
        failed = replace(which, state=Status.FAILED)
        end, count, place = self._clock() + seconds, 0, since
        while True:
            page = self._pages.first(failed) if place is None else self._pages.older(failed, place)
            count += self._put_back([panel.id for panel in page.panels], which)
            place = page.older
            if place is None or self._clock() >= end:
                return Retried(count, place)

    def _put_back(self, ids: list[UUID], which: PanelFilter) -> int:
        """The filter is given again, since a row may have failed anew for another cause."""
        if not ids:
            return 0
        chosen = FailedFilter(
            ids=ids, error_code=which.error_code, project_id=which.project, host=which.host
        )
        return len(self._rows.retry(chosen))
