"""The real Sentry SDK with a stand-in for the server, for one test at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

import sentry_sdk
from sentry_sdk.scope import Scope

from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.settings.sentry import SentrySettings
from tests.support.sentry_server import SentryServer

WORKER_ID = "worker-1"


@contextmanager
def reporting_to(
    server: SentryServer, *secrets: str, traces_sample_rate: float | None = None
) -> Iterator[Reporter]:
    """A reporter. The SDK is one for the process, so it is switched off afterwards."""
    settings = SentrySettings(server.dsn, "testing", "v1", traces_sample_rate)
    try:
        yield Reporter(settings, Redactor(secrets), worker_id=WORKER_ID)
    finally:
        sentry_sdk.get_client().close(timeout=5)
        sentry_sdk.get_global_scope().set_client(None)
        for scope in (
            Scope.get_global_scope(),
            Scope.get_isolation_scope(),
            Scope.get_current_scope(),
        ):
            scope.clear()
        assert not sentry_sdk.is_initialized()
