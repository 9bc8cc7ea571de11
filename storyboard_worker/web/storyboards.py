"""One row: its progress, and processing it now."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.web.answers import answer, problem, retry_later, stopping
from storyboard_worker.web.application import route
from storyboard_worker.web.auth import Auth
from storyboard_worker.web.errands import Errands, NoneFree, Overdue

PATH = "/api/storyboards/<uuid:storyboard_id>"
LOOK_SECONDS = 5.0
# Beside the time that an attempt may take.
MARGIN_SECONDS = 5.0
AGAIN_SECONDS = 10.0


class Storyboards:
    """``progress`` reads a row of the view. ``process`` makes one attempt on a row, within
    ``attempt_seconds``. While ``is_stopping`` no attempt begins."""

    def __init__(
        self,
        auth: Auth,
        *,
        progress: Callable[[UUID], dict[str, Any] | None],
        process: Callable[[UUID], object],
        attempt_seconds: float,
        looks: Errands,
        attempts: Errands,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._auth = auth
        self._progress = progress
        self._process = process
        self._attempt_seconds = attempt_seconds
        self._looks = looks
        self._attempts = attempts
        self._is_stopping = is_stopping

    def routes(self) -> list[Rule]:
        return [
            route(PATH, self.show, "GET"),
            route(f"{PATH}/process", self.do, "POST", logged_as="process call"),
        ]

    def show(self, _request: Request, storyboard_id: UUID) -> Response:
        """The row, whatever its state."""
        try:
            row = self._looks.run(
                lambda: self._progress(storyboard_id),
                patience_seconds=LOOK_SECONDS,
                queue_seconds=LOOK_SECONDS,
            )
        except (NoneFree, Overdue) as error:
            raise DatabaseUnavailable("the row could not be read in time") from error
        return problem(404, "there is no such storyboard") if row is None else answer(row)

    def do(self, request: Request, storyboard_id: UUID) -> Response:
        """Processes the row and answers its state; a row that is held by a worker is only shown."""
        refusal = self._auth.refusal(request)
        if refusal is not None:
            return refusal
        if self._is_stopping():
            return stopping()
        try:
            self._attempts.run(
                lambda: self._process(storyboard_id),
                patience_seconds=self._attempt_seconds + MARGIN_SECONDS,
            )
        except NoneFree:
            error = "this route is processing as many rows as it may"
            return retry_later(503, error, after_seconds=AGAIN_SECONDS)
        except Overdue:
            error = "the attempt did not end in time: the database does not answer"
            return retry_later(503, error, after_seconds=AGAIN_SECONDS)
        return self.show(request, storyboard_id)
