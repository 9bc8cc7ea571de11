"""The parts of a worker that reports to a stand-in for Sentry."""

from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.database import Database
from tests.support.attempting import Bench, new_bench
from tests.support.sentry_reports import reporting_to
from tests.support.sentry_server import SentryServer
from tests.support.stage import new_stage


@pytest.fixture
def bench(
    sentry: SentryServer, database: Database, producer: psycopg.Connection
) -> Iterator[Bench]:
    with reporting_to(sentry) as reporter, new_stage() as stage:
        yield new_bench(stage, database, producer, reporter)
