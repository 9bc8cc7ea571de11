import pytest

from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.settings.sentry import SentrySettings


@pytest.fixture
def reporter() -> Reporter:
    """One that has no Sentry to report to."""
    return Reporter(SentrySettings(), Redactor(), worker_id="worker-1")
