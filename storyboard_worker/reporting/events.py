"""The events themselves: title, tags, context and next step of each.

https://develop.sentry.dev/sdk/data-model/event-payloads/
"""

import uuid
from collections.abc import Sequence

import sentry_sdk
from sentry_sdk.types import Event
from sentry_sdk.utils import event_from_exception

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.redaction.redactor import without_query
from storyboard_worker.reporting.breadcrumbs import Breadcrumbs
from storyboard_worker.reporting.event_throttle import Cause, Reservation, Summary
from storyboard_worker.reporting.titles import next_step, title
from storyboard_worker.storyboard import Claim, Expired, Lapsed, SetAside

FINGERPRINT = "storyboard-worker"
LOGGER = "storyboard_worker"
SHOWN_IDS = 20


class Events:
    """Made for one worker; ``breadcrumbs`` are added to the events of their upstream."""

    def __init__(self, worker_id: str, breadcrumbs: Breadcrumbs) -> None:
        self._worker_id = worker_id
        self._breadcrumbs = breadcrumbs

    def row_failed(self, claim: Claim, error: AttemptError, reservation: Reservation) -> Event:
        event = self._of_cause(
            reservation.cause,
            reservation.event_id,
            storyboard_id=claim.id,
            project_id=claim.project_id,
            attempt=claim.attempt,
        )
        _add_stack(event, error)
        event["contexts"] = {
            "storyboard": {
                "id": str(claim.id),
                "project_id": claim.project_id,
                "source": without_query(claim.source_url),
                "error": error.message,
                "attempt": claim.attempt,
                "max_attempts": claim.max_attempts,
                "seconds_since_due": round(claim.seconds_since_due, 1),
                "link_dies_in_seconds": claim.seconds_until_expiry,
                "http_status": error.http_status,
                "request_id": error.request_id,
                "next_step": next_step(error.code, claim.id),
            }
        }
        return event

    def row_keeps_failing(self, claim: Claim, error: AttemptError) -> Event:
        cause = Cause(error.code, error.upstream or claim.host)
        event = self._of_cause(
            cause,
            uuid.uuid4().hex,
            storyboard_id=claim.id,
            project_id=claim.project_id,
            attempt=claim.attempt,
        )
        told = title(cause.code, cause.upstream)
        event["level"] = "warning"
        event["message"] = f"{told} (a row has failed {claim.attempt} times)"
        event["contexts"] = {
            "storyboard": {
                "id": str(claim.id),
                "source": without_query(claim.source_url),
                "error": error.message,
                "attempt": claim.attempt,
                "given_up_in_seconds": claim.seconds_until_given_up,
                "next_step": f"storyboard-worker show {claim.id}; it is tried until its link dies",
            }
        }
        return event

    def rows_failed(
        self, rows: Sequence[Expired | Lapsed | SetAside], reservation: Reservation
    ) -> Event:
        first = rows[0]
        event = self._of_cause(
            reservation.cause,
            reservation.event_id,
            storyboard_id=first.id,
            project_id=first.project_id,
            attempt=first.attempts,
        )
        event["contexts"] = {
            "storyboard": {
                "count": len(rows),
                "ids": [str(row.id) for row in rows[:SHOWN_IDS]],
                "source": without_query(first.source_url),
                "attempts": first.attempts,
                "next_step": next_step(reservation.cause.code, first.id),
            }
        }
        return event

    def counted(self, summary: Summary) -> Event:
        code, upstream = summary.cause.code, summary.cause.upstream
        event = self._of_cause(summary.cause, summary.event_id, storyboard_id=summary.ids[0])
        event["message"] = f"{title(code, upstream)} ({summary.count} more rows)"
        event["contexts"] = {
            "storyboard": {
                "count": summary.count,
                "ids": [str(id_) for id_ in summary.ids],
                "next_step": next_step(code, summary.ids[0]),
            }
        }
        return event

    def paused(self, upstream: str, error: AttemptError, seconds: float) -> Event:
        event = self._of_cause(Cause(error.code, upstream), uuid.uuid4().hex)
        event["level"] = "warning"
        event["contexts"] = {
            "pause": {
                "upstream": upstream,
                "seconds": seconds,
                "error": error.message,
                "http_status": error.http_status,
                "request_id": error.request_id,
                "next_step": "storyboard-worker status; storyboard-worker doctor",
            }
        }
        return event

    def recovered(self, upstream: str, code: ErrorCode, seconds: float) -> Event:
        event = self._of_cause(Cause(code, upstream), uuid.uuid4().hex)
        event["level"] = "info"
        event["message"] = f"{title(code, upstream)} (over after {seconds:.0f} s)"
        event["contexts"] = {
            "pause": {"upstream": upstream, "seconds": round(seconds, 1), "next_step": "none"}
        }
        return event

    def crash(self, error: Exception) -> Event:
        event = _with_stack(error)
        event["level"] = "fatal"
        event["tags"] = _tags(worker_id=self._worker_id)
        return event

    def alarm(self, name: str, message: str, next_step: str, facts: dict[str, object]) -> Event:
        told = {key: str(value) for key, value in facts.items()}
        return {
            "level": "fatal",
            "logger": LOGGER,
            "message": message,
            "fingerprint": [FINGERPRINT, "alarm", name],
            "tags": _tags(alarm=name, worker_id=self._worker_id),
            "contexts": {"alarm": {**told, "next_step": next_step}},
        }

    def alarm_over(self, name: str, message: str) -> Event:
        # Without the tag `alarm`, for which a person is called.
        return {
            "level": "info",
            "logger": LOGGER,
            "message": message,
            "fingerprint": [FINGERPRINT, "alarm", name],
            "tags": _tags(alarm_over=name, worker_id=self._worker_id),
        }

    def _of_cause(self, cause: Cause, event_id: str, **tags: object) -> Event:
        code, upstream = cause.code, cause.upstream
        return {
            "event_id": event_id,
            "level": "error",
            "logger": LOGGER,
            "message": title(code, upstream),
            "fingerprint": [FINGERPRINT, str(code), upstream],
            "tags": _tags(error_code=code, upstream=upstream, worker_id=self._worker_id, **tags),
            "breadcrumbs": {"values": self._breadcrumbs.of(upstream)},
        }


def _add_stack(event: Event, error: AttemptError) -> None:
    """Where it helps: for unexpected errors."""
    if error.code is ErrorCode.UNEXPECTED and isinstance(error.__cause__, Exception):
        event["exception"] = _with_stack(error.__cause__)["exception"]


def _with_stack(error: Exception) -> Event:
    event, _hint = event_from_exception(error, client_options=sentry_sdk.get_client().options)
    return event


def _tags(**tags: object) -> dict[str, str]:
    return {name: str(value) for name, value in tags.items() if value is not None}
