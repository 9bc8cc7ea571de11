"""Sentry: what went wrong for good, in words, without a secret.

Final failures and unexpected errors are events; transient errors are breadcrumbs at most,
and a lost lease is nothing. Every way out of the SDK passes the redactor.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event
from sentry_sdk.utils import event_from_exception

from storyboard_worker import __version__
from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.models import Claim, Expired, Lapsed, host_of
from storyboard_worker.redaction import Redactor, without_query
from storyboard_worker.settings import SentrySettings

FINGERPRINT = "storyboard-worker"
FLUSH_SECONDS = 5.0

IN_WORDS = {
    ErrorCode.SOURCE_UNAUTHORIZED: "The source wants credentials",
    ErrorCode.SOURCE_FORBIDDEN: "The source says the link is forbidden",
    ErrorCode.SOURCE_EXPIRED: "The link had expired",
    ErrorCode.SOURCE_NOT_FOUND: "The source has no such image",
    ErrorCode.SOURCE_RATE_LIMITED: "The source limits our rate",
    ErrorCode.SOURCE_TIMEOUT: "The source does not answer in time",
    ErrorCode.SOURCE_UNAVAILABLE: "The source is unavailable",
    ErrorCode.SOURCE_BLOCKED: "The source's address is not allowed",
    ErrorCode.SOURCE_REJECTED: "The source refuses the request",
    ErrorCode.IMAGE_TRUNCATED: "The image arrives incomplete",
    ErrorCode.IMAGE_INVALID: "What the source sends is no image",
    ErrorCode.IMAGE_TOO_LARGE: "The image is too large",
    ErrorCode.STORAGE_UNAUTHORIZED: "Cloudinary refuses our credentials",
    ErrorCode.STORAGE_RATE_LIMITED: "Cloudinary limits our rate",
    ErrorCode.STORAGE_REJECTED: "Cloudinary rejects the image",
    ErrorCode.STORAGE_UNAVAILABLE: "Cloudinary is unavailable",
    ErrorCode.STORAGE_MISMATCH: "Cloudinary stored something else",
    ErrorCode.ATTEMPT_TIMEOUT: "An attempt took too long",
    ErrorCode.WORKER_LOST: "A worker vanished in a row's last attempt",
    ErrorCode.UNEXPECTED: "An error nobody expected",
}


class Reporter:
    """Reports for one process. Without a DSN it does nothing.

    An event's id is reserved first, written on the row, and only then is the event sent: so
    a row that was lost meanwhile leads to no event, and no row names one that was not sent.
    """

    def __init__(self, settings: SentrySettings, redactor: Redactor, *, worker_id: str) -> None:
        self._worker_id = worker_id
        self._redactor = redactor
        self._enabled = settings.dsn is not None
        if self._enabled:
            self._start(settings)

    def _start(self, settings: SentrySettings) -> None:
        sentry_sdk.init(
            dsn=settings.dsn,
            environment=settings.environment,
            release=settings.release or f"storyboard-worker@{__version__}",
            server_name=self._worker_id,
            # By default one 403 puts the signed URL into the event five times: local
            # variables, httpx spans and breadcrumbs, log records, the exception's text.
            include_local_variables=False,
            traces_sample_rate=settings.traces_sample_rate,
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[
                DedupeIntegration(),
                # Log lines as breadcrumbs only: as events they would come out double.
                LoggingIntegration(event_level=None),
            ],
            before_send=self._clean_event,
            before_send_transaction=self._clean_event,
            before_breadcrumb=lambda crumb, _hint: self._redactor.structure(crumb),
            shutdown_timeout=FLUSH_SECONDS,
        )

    def _clean_event(self, event: Event, _hint: dict[str, Any]) -> Event:
        cleaned: Event = self._redactor.structure(event)
        return cleaned

    def reserve_event_id(self) -> str | None:
        """The id of an event to come, or ``None`` when nothing will be sent."""
        return uuid.uuid4().hex if self._enabled else None

    def row_failed(self, claim: Claim, error: AttemptError, event_id: str | None) -> None:
        """A row will not be tried again (or not soon), or nobody expected the error."""
        if event_id is None:
            return
        event = self._event(
            error.code,
            error.upstream or claim.host,
            event_id,
            storyboard_id=claim.id,
            project_id=claim.project_id,
            attempt=claim.attempt,
        )
        self._add_cause(event, error)
        event["contexts"] = {
            "storyboard": {
                "id": str(claim.id),
                "source": without_query(claim.source_url),
                "error": error.message,
                "attempt": claim.attempt,
                "max_attempts": claim.max_attempts,
                "http_status": error.http_status,
                "request_id": error.request_id,
                "next_step": f"storyboard-worker show {claim.id}",
            }
        }
        sentry_sdk.capture_event(event)

    def upstream_paused(self, upstream: str, error: AttemptError, seconds: float) -> None:
        """An upstream is left alone for a while: no row suffers, but somebody should look."""
        if not self._enabled:
            return
        event = self._event(error.code, upstream, uuid.uuid4().hex)
        event["level"] = "warning"
        event["contexts"] = {
            "pause": {
                "upstream": upstream,
                "seconds": seconds,
                "error": error.message,
                "http_status": error.http_status,
                "request_id": error.request_id,
                "next_step": "storyboard-worker status",
            }
        }
        sentry_sdk.capture_event(event)

    def crashed(self, error: Exception) -> None:
        """Something broke outside of any attempt; the process ends for it."""
        if not self._enabled:
            return
        event, _hint = event_from_exception(error, client_options=sentry_sdk.get_client().options)
        event["level"] = "fatal"
        event["tags"] = _tags(worker_id=self._worker_id)
        sentry_sdk.capture_event(event)

    @contextmanager
    def attempt(self, claim: Claim) -> Iterator[None]:
        """Around one attempt: its breadcrumbs stay its own, and with a sample rate set it is
        a transaction that continues the producer's trace."""
        if not self._enabled:
            yield
            return
        with sentry_sdk.isolation_scope():
            headers = {"sentry-trace": claim.sentry_trace, "baggage": claim.baggage}
            transaction = sentry_sdk.continue_trace(
                {name: value for name, value in headers.items() if value},
                op="queue.process",
                name="storyboard attempt",
            )
            with sentry_sdk.start_transaction(transaction):
                yield

    def rows_expired(self, rows: Sequence[Expired], event_id: str | None) -> None:
        """Links died while their rows waited: images are lost, and somebody must know."""
        self._rows_failed(ErrorCode.SOURCE_EXPIRED, rows, event_id)

    def rows_lost(self, rows: Sequence[Lapsed], event_id: str | None) -> None:
        """Rows whose last attempt ended with the death of its worker."""
        self._rows_failed(ErrorCode.WORKER_LOST, rows, event_id)

    def _rows_failed(
        self, code: ErrorCode, rows: Sequence[Expired | Lapsed], event_id: str | None
    ) -> None:
        if event_id is None or not rows:
            return
        first = rows[0]
        event = self._event(
            code,
            host_of(first.source_url),
            event_id,
            storyboard_id=first.id,
            project_id=first.project_id,
        )
        event["contexts"] = {
            "storyboard": {
                "count": len(rows),
                "ids": [str(row.id) for row in rows[:20]],
                "source": without_query(first.source_url),
                "attempts": first.attempts,
                "next_step": f"storyboard-worker list --status failed --error-code {code}",
            }
        }
        sentry_sdk.capture_event(event)

    def alarm(self, name: str, message: str, **facts: object) -> None:
        """The installation as a whole is in trouble."""
        if not self._enabled:
            return
        sentry_sdk.capture_event(
            {
                "level": "fatal",
                "logger": "storyboard_worker",
                "message": message,
                "fingerprint": [FINGERPRINT, "alarm", name],
                "tags": _tags(alarm=name, worker_id=self._worker_id),
                "contexts": {"alarm": {key: str(value) for key, value in facts.items()}},
            }
        )

    def _event(self, code: ErrorCode, upstream: str, event_id: str, **tags: object) -> Event:
        return {
            "event_id": event_id,
            "level": "error",
            "logger": "storyboard_worker",
            "message": f"{IN_WORDS[code]}: {upstream}",
            "fingerprint": [FINGERPRINT, str(code), upstream],
            "tags": _tags(error_code=code, upstream=upstream, worker_id=self._worker_id, **tags),
        }

    def _add_cause(self, event: Event, error: AttemptError) -> None:
        """The stack, where it helps: for errors that nobody expected."""
        if error.code is ErrorCode.UNEXPECTED and error.__cause__ is not None:
            found, _hint = event_from_exception(
                error.__cause__, client_options=sentry_sdk.get_client().options
            )
            event["exception"] = found["exception"]

    def close(self) -> None:
        """Send what waits; the SDK's own exit hook would give up after two seconds."""
        if self._enabled:
            sentry_sdk.flush(timeout=FLUSH_SECONDS)


def _tags(**tags: object) -> dict[str, str]:
    return {name: str(value) for name, value in tags.items() if value is not None}
