"""The alarms of a sweep, reported to a stand-in for Sentry."""

from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.worker.alarms import Alarms
from tests.integration.worker.passing_time import MAX_WAIT_SECONDS
from tests.support.orphans import Pruner, new_pruner
from tests.support.sentry_reports import reporting_to
from tests.support.sentry_server import SentryServer


@pytest.fixture
def reporter(sentry: SentryServer) -> Iterator[Reporter]:
    with reporting_to(sentry) as reporter:
        yield reporter


@pytest.fixture
def alarms(database: Database, reporter: Reporter) -> Alarms:
    return Alarms(
        AlarmRegister(database),
        WorkerRegister(database, lease_seconds=60),
        reporter,
        max_wait_seconds=MAX_WAIT_SECONDS,
    )


@pytest.fixture
def pruner(producer: psycopg.Connection, dsn: str) -> Iterator[Pruner]:
    with new_pruner(producer, dsn) as pruner:
        yield pruner
