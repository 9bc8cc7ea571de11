"""A worker under test whose log and reports are kept, to be searched for secrets."""

import io
import logging
from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.attempts import breakers
from storyboard_worker.database import Database
from storyboard_worker.logs import JsonFormatter
from storyboard_worker.redaction.redactor import Redactor
from tests.integration.secrecy.leaks import DATABASE_PASSWORD
from tests.support.attempting import Bench, new_bench
from tests.support.sentry_reports import reporting_to
from tests.support.sentry_server import SentryServer
from tests.support.stage import HASTY_SECONDS, Stage, new_stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    with new_stage(HASTY_SECONDS) as stage:
        yield stage


@pytest.fixture
def redactor(stage: Stage) -> Redactor:
    return Redactor([stage.cloudinary.api_secret, DATABASE_PASSWORD])


@pytest.fixture
def logged(redactor: Redactor) -> Iterator[io.StringIO]:
    """All records of all loggers, at the most talkative level, in their final form."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter(redactor))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def bench(
    sentry: SentryServer,
    stage: Stage,
    database: Database,
    producer: psycopg.Connection,
) -> Iterator[Bench]:
    secrets = (stage.cloudinary.api_secret, DATABASE_PASSWORD)
    with reporting_to(sentry, *secrets, traces_sample_rate=1) as reporter:
        yield new_bench(stage, database, producer, reporter)


@pytest.fixture(autouse=True)
def pauses_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is an event to search."""
    monkeypatch.setattr(breakers, "LASTING_SECONDS", 0.0)
