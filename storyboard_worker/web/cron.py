"""The cron route: one sweep within a request."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.web.answers import answer, problem, retry_later, stopping
from storyboard_worker.web.application import route
from storyboard_worker.web.auth import Auth
from storyboard_worker.web.errands import Errands, NoneFree, Overdue

PATH = "/api/cron/download-pending-storyboards"
DEFAULT_SECONDS = 50.0
MOST_SECONDS = 240.0
# What a pass may take beside the time for processing, before its caller is told to retry.
MARGIN_SECONDS = 5.0


class Cron:
    """``sweep`` takes the seconds that a pass may last, and returns its tally.

    While ``is_stopping`` no pass begins.
    """

    def __init__(
        self,
        auth: Auth,
        sweep: Callable[[float], Mapping[str, Any]],
        *,
        passes: Errands,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._auth = auth
        self._sweep = sweep
        self._passes = passes
        self._is_stopping = is_stopping
        self._ends_at = 0.0

    def routes(self) -> list[Rule]:
        return [route(PATH, self.call, "GET", "POST", logged_as="cron call", acts=True)]

    def call(self, request: Request) -> Response:
        refusal = self._auth.refusal(request)
        if refusal is not None:
            return refusal
        seconds = _max_seconds(request.args.get("max_seconds"))
        if seconds is None:
            return problem(400, f"max_seconds must be a number from 1 to {MOST_SECONDS:.0f}")
        if self._is_stopping():
            return stopping()
        try:
            patience_seconds = seconds + MARGIN_SECONDS
            tally = self._passes.run(lambda: self._pass(seconds), patience_seconds=patience_seconds)
        except NoneFree:
            left = self._ends_at - time.monotonic()
            return retry_later(409, "a pass is under way", after_seconds=left)
        except Overdue:
            error = "the pass did not end in time: the database does not answer"
            return retry_later(503, error, after_seconds=MARGIN_SECONDS)
        return answer(tally)

    def _pass(self, seconds: float) -> Mapping[str, Any]:
        self._ends_at = time.monotonic() + seconds
        return self._sweep(seconds)


def _max_seconds(raw: str | None) -> float | None:
    """``None`` for what is out of bounds, or no number."""
    try:
        seconds = DEFAULT_SECONDS if raw is None else float(raw)
    except ValueError:
        seconds = math.nan
    return seconds if 1 <= seconds <= MOST_SECONDS else None
