"""The retry route: for programs with the board's token, and for pages with its cookie."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.web.answers import answer, problem, retry_later
from storyboard_worker.web.application import route
from storyboard_worker.web.board.access import Access, TooManyGuesses
from storyboard_worker.web.board.door import Crowded, Door
from storyboard_worker.web.board.forms import may_act

PATH = "/api/storyboards/<uuid:storyboard_id>/retry"
AGAIN_SECONDS = 5.0


class RetryRoute:
    """``retry`` puts a failed row back, ``progress`` reads its row of the view."""

    def __init__(
        self,
        access: Access,
        door: Door,
        *,
        retry: Callable[[UUID], bool],
        progress: Callable[[UUID], dict[str, Any] | None],
    ) -> None:
        self._access = access
        self._door = door
        self._retry = retry
        self._progress = progress

    def routes(self) -> list[Rule]:
        return [route(PATH, self.do, "POST", logged_as="retry call")]

    def do(self, request: Request, storyboard_id: UUID) -> Response:
        """Answers the row's progress. A row that has not failed stays as it is and is only shown,
        so a second press does no harm."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            with self._door.inside():
                self._retry(storyboard_id)
                row = self._progress(storyboard_id)
        except Crowded:
            return retry_later(503, "the board is crowded", after_seconds=AGAIN_SECONDS)
        return problem(404, "there is no such storyboard") if row is None else answer(row)

    def _refusal(self, request: Request) -> Response | None:
        try:
            shown = self._access.shows_token(request)
        except TooManyGuesses as error:
            return retry_later(429, "too many wrong tokens", after_seconds=error.seconds)
        if shown:
            return None
        session = self._access.session(request) if shown is None else None
        if session is None:
            headers = {"WWW-Authenticate": "Bearer"}
            return problem(401, "the token is missing or wrong", headers)
        if not may_act(request, session):
            return problem(403, "the call comes from another site")
        return None
