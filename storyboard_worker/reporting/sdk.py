"""Starts the Sentry SDK so that it sends no secret."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event

from storyboard_worker import __version__
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.settings.sentry import SentrySettings

FLUSH_SECONDS = 5.0
WAITING_ENVELOPES = 5000


def release_of(settings: SentrySettings) -> str:
    return settings.release or f"storyboard-worker@{__version__}"


def start_sdk(settings: SentrySettings, redactor: Redactor, *, server_name: str) -> None:
    """All that the SDK sends passes the redactor."""

    def clean(event: Event, _hint: dict[str, Any]) -> Event:
        cleaned: Event = redactor.structure(event)
        return cleaned

    sentry_sdk.init(
        dsn=settings.dsn,
        environment=settings.environment,
        release=release_of(settings),
        server_name=server_name,
        # By default one 403 puts the signed URL into the event five times: local
        # variables, httpx spans and breadcrumbs, log records, the exception's text.
        include_local_variables=False,
        traces_sample_rate=settings.traces_sample_rate,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            DedupeIntegration(),
            # Log lines as breadcrumbs only: as events they would be reported twice.
            LoggingIntegration(event_level=None),
        ],
        before_send=clean,
        before_send_transaction=clean,
        before_breadcrumb=lambda crumb, _hint: redactor.structure(crumb),
        shutdown_timeout=FLUSH_SECONDS,
        # One thread sends; what does not fit while it does is dropped, events with the rest.
        transport_queue_size=WAITING_ENVELOPES,
    )
