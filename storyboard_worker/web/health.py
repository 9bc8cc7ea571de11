"""Whether the worker does its work, not only whether its process exists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.errors import DatabaseUnavailable, RowsHidden, SchemaOutdated
from storyboard_worker.queries.counts import Counts
from storyboard_worker.queries.workers import paused_upstreams
from storyboard_worker.settings.reading import Settings
from storyboard_worker.web.answers import answer
from storyboard_worker.web.application import route
from storyboard_worker.web.auth import Auth

# One or two may have met what is over a moment later.
TOO_MANY_EARLY_DEATHS = 3


@dataclass(frozen=True, slots=True)
class Table:
    """One reading of the database; ``workers`` are those that are alive."""

    counts: Counts
    workers: list[dict[str, Any]]


class Health:
    """What it reads:

    - ``silent_seconds``: for how long the claim loop has shown no progress; below
      ``most_silent_seconds`` it is healthy;
    - ``early_deaths``: how often in a row a process has died soon after its start;
    - ``paused_for_seconds``: for how long this process has paused each upstream;
    - ``look``: the table; it may raise what a database raises.
    """

    def __init__(
        self,
        settings: Settings,
        auth: Auth,
        *,
        silent_seconds: Callable[[], float],
        most_silent_seconds: float,
        early_deaths: Callable[[], int],
        paused_for_seconds: Callable[[], Mapping[str, float]],
        look: Callable[[], Table],
    ) -> None:
        self._settings = settings
        self._auth = auth
        self._silent_seconds = silent_seconds
        self._most_silent_seconds = most_silent_seconds
        self._early_deaths = early_deaths
        self._paused_for_seconds = paused_for_seconds
        self._look = look

    def routes(self) -> list[Rule]:
        return [
            route("/healthz", self.loop, "GET"),
            route("/api/health/worker", self.worker, "GET"),
        ]

    def loop(self, _request: Request) -> Response:
        reasons = self._of_loop()
        if reasons:
            return answer({"ok": False, "reason": reasons[0]}, 503)
        return answer({"ok": True})

    def worker(self, request: Request) -> Response:
        """Numbers are public. Reasons name hosts and pauses name workers: they need the secret."""
        table, reasons = self._findings()
        body: dict[str, object] = {"healthy": not reasons, "stats": _stats(table)}
        if self._auth.is_shown(request):
            paused = [] if table is None else paused_upstreams(table.workers)
            body |= {"reasons": reasons, "paused": paused}
        return answer(body, 503 if reasons else 200)

    def _findings(self) -> tuple[Table | None, list[str]]:
        """The table, and the reasons why the worker is unhealthy."""
        loop = self._of_loop()
        try:
            table = self._look()
        except RowsHidden as error:
            return None, [*loop, str(error)]
        except DatabaseUnavailable:
            return None, [*loop, "the database does not answer"]
        except SchemaOutdated:
            return None, [*loop, "the database is not migrated: storyboard-worker migrate"]
        return table, [*loop, *self._of_table(table)]

    def _of_loop(self) -> list[str]:
        deaths = self._early_deaths()
        if deaths >= TOO_MANY_EARLY_DEATHS:
            return [f"a process has died {deaths} times in a row soon after its start"]
        silent, most = self._silent_seconds(), self._most_silent_seconds
        if silent < most:
            return []
        return [f"no progress of the claim loop for {silent:.0f} s (limit {most:.0f} s)"]

    def _of_table(self, table: Table) -> list[str]:
        counts, settings = table.counts, self._settings
        reasons = []
        if counts.waiting > settings.health_max_waiting:
            reasons.append(
                f"{counts.waiting} storyboards wait "
                f"(HEALTH_MAX_WAITING is {settings.health_max_waiting})"
            )
        if counts.oldest_waiting_seconds > settings.health_max_wait_seconds:
            reasons.append(
                f"the oldest has waited for {counts.oldest_waiting_seconds:.0f} s "
                f"(HEALTH_MAX_WAIT_SECONDS is {settings.health_max_wait_seconds:g})"
            )
        for upstream, lasted in self._paused_for_seconds().items():
            # Rows that are given back begin to wait anew, so their age does not show the pause.
            if lasted > settings.health_max_wait_seconds:
                reasons.append(f"{upstream} has been paused for {lasted:.0f} s")
        if not table.workers:
            reasons.append(
                f"no worker is alive: none was seen for {settings.lease_seconds:g} s "
                "(LEASE_SECONDS)"
            )
        return reasons


def _stats(table: Table | None) -> dict[str, float | None]:
    if table is None:
        names = ("waiting", "processing", "ready", "failed", "oldest_waiting_seconds", "workers")
        return dict.fromkeys(names)
    counts = table.counts
    return {
        "waiting": counts.waiting,
        "processing": counts.processing,
        "ready": counts.ready,
        "failed": counts.failed,
        "oldest_waiting_seconds": round(counts.oldest_waiting_seconds, 3),
        "workers": len(table.workers),
    }
