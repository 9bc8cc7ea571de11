"""«Process now»: an attempt that the page does not wait for."""

import logging
from collections.abc import Callable
from uuid import UUID

from storyboard_worker.attempts.outcome import Asked
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.logs import event
from storyboard_worker.web.errands import Errands, NoneFree, Overdue

# A small image is copied within this time, and the page shows it ready.
PATIENCE_SECONDS = 1.5
NOTICES = {
    Asked.ATTEMPTED: "processed",
    Asked.READY_BEFORE: "ready_before",
    Asked.HELD_BY_ANOTHER: "held",
    Asked.NO_ROW: "no_panel",
}


class Processing:
    """``process`` makes one attempt on a row. ``crashed`` is called with an unexpected error, which
    would otherwise be lost when the page no longer waits. While ``is_stopping`` none begins."""

    def __init__(
        self,
        process: Callable[[UUID], Asked],
        attempts: Errands,
        *,
        is_stopping: Callable[[], bool],
        crashed: Callable[[Exception], None],
    ) -> None:
        self._process = process
        self._attempts = attempts
        self._is_stopping = is_stopping
        self._crashed = crashed

    def begin(self, storyboard_id: UUID) -> str:
        """The name of the notice that tells what became of it so far."""
        if self._is_stopping():
            return "stopping"
        try:
            return self._attempts.run(
                lambda: self._do(storyboard_id), patience_seconds=PATIENCE_SECONDS
            )
        except NoneFree:
            return "busy"
        except Overdue:
            return "processing"

    def _do(self, storyboard_id: UUID) -> str:
        try:
            return NOTICES[self._process(storyboard_id)]
        except DatabaseUnavailable:
            event(logging.WARNING, "the board's attempt met no database", id=str(storyboard_id))
        except Exception as error:  # noqa: BLE001  logged and reported
            self._crashed(error)
        return "broken_off"
