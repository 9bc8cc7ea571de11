"""The work itself: its workers, the backlog, expiring links, failures."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from storyboard_worker import __version__
from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.failures import Cause, Failures
from storyboard_worker.queries.inspection import Inspection
from storyboard_worker.queries.rows import FailedFilter
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.titles import GONE
from storyboard_worker.settings.reading import Settings
from storyboard_worker.storyboard import WorkerState

FAILURES_SINCE = timedelta(days=1)
SHOWN_CAUSES = 5
RUN = "storyboard-worker run  # or look at the log of its deployment"
SWEEP = "storyboard-worker sweep --max-seconds 3600"

# What the answer of a source means, where the code alone does not say it.
MEANING = {
    "source_unauthorized": "401: the URL's signature or credential is missing or wrong",
    "source_forbidden": "403 before the expiry: the signature does not fit method, host or key, "
    "or the bucket forbids it",
    "source_not_found": "404: the image was deleted, or the path is wrong; generate it again",
}


class WorkChecks:
    def __init__(
        self,
        settings: Settings,
        counts: StoryboardCounts,
        register: WorkerRegister,
        inspection: Inspection,
        failures: Failures,
    ) -> None:
        self._settings = settings
        self._counts = counts
        self._register = register
        self._inspection = inspection
        self._failures = failures

    def workers(self) -> Iterator[Check]:
        name = "workers"
        alive = self._register.alive()
        if not alive:
            due = self._counts.read().oldest_waiting_seconds > 0
            found = "none is alive" + (", and rows are due" if due else "")
            yield failed(name, found, RUN) if due else warned(name, found, RUN)
            return
        draining = sum(worker["state"] == WorkerState.DRAINING for worker in alive)
        found = f"{len(alive)} alive" + (f", {draining} draining" if draining else "")
        if draining == len(alive):
            yield warned(name, f"{found}: none claims new rows", RUN)
        else:
            yield passed(name, found)
        others = sorted({worker["version"] for worker in alive} - {__version__})
        if others:
            yield warned(
                "worker versions",
                f"{', '.join(others)} beside this {__version__}",
                "deploy the same version everywhere",
            )
        yield from _pauses(alive)

    def backlog(self) -> Iterator[Check]:
        counts, settings = self._counts.read(), self._settings
        name, found = "backlog", f"{counts.waiting} waiting"
        if counts.waiting > settings.health_max_waiting:
            yield failed(name, f"{found}, above HEALTH_MAX_WAITING", SWEEP)
        else:
            yield passed(name, found)
        name, waited = "oldest waiting", counts.oldest_waiting_seconds
        if waited > settings.health_max_wait_seconds:
            yield failed(name, f"{waited:.0f} s, above HEALTH_MAX_WAIT_SECONDS", SWEEP)
        else:
            yield passed(name, f"{waited:.0f} s")
        if counts.expiring_soon:
            found = f"{counts.expiring_soon} links of unfinished rows die within two hours"
            yield failed("expiring links", found, SWEEP)
        else:
            yield passed("expiring links", "none within two hours")
        lapsed = self._inspection.lapsed()
        if lapsed:
            yield warned(
                "leases",
                f"{lapsed} rows are held by workers that are gone",
                "storyboard-worker sweep --no-process",
            )

    def failures(self) -> Iterator[Check]:
        causes = self._failures.by_cause(FailedFilter(since=FAILURES_SINCE))
        if not causes:
            yield passed("failures", "none within a day")
        for cause in causes[:SHOWN_CAUSES]:
            yield warned("failures", _told(cause), _fix(cause))
        if len(causes) > SHOWN_CAUSES:
            left = len(causes) - SHOWN_CAUSES
            yield warned("failures", f"{left} more causes", "storyboard-worker failures --since 1d")


def _pauses(alive: list[dict[str, Any]]) -> Iterator[Check]:
    paused = {
        upstream: until for worker in alive for upstream, until in sorted(worker["paused"].items())
    }
    for upstream, until in paused.items():
        yield warned(
            "pauses",
            f"{upstream} is paused until {until}",
            "storyboard-worker list --status pending  # shows why",
        )


def _told(cause: Cause) -> str:
    meaning = MEANING.get(cause.error_code)
    told = f"{cause.count} rows: {cause.error_code} at {cause.host} within a day"
    return f"{told} ({meaning})" if meaning else told


def _fix(cause: Cause) -> str:
    if cause.error_code in GONE:
        # Another attempt cannot succeed.
        listed = f"storyboard-worker list --status failed --error-code {cause.error_code}"
        return f"{listed}  # generate these images again"
    retry = f"storyboard-worker retry --error-code {cause.error_code} --since 1d"
    return f"{retry}  # look first: storyboard-worker show {cause.sample_id}"
