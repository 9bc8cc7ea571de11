"""An unexpected error of the database does not end the worker, and is reported."""

import subprocess
import sys

import psycopg
import pytest

from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panels
from tests.support.process_environment import environment
from tests.support.running_worker import RunningWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import wait_for_statuses

REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no claim is allowed'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON storyboards FOR EACH ROW
    WHEN (NEW.status = 'processing') EXECUTE FUNCTION refuse();
"""

pytestmark = pytest.mark.database("own")


def test_it_goes_on_when_the_error_is_gone(
    producer: psycopg.Connection, origin: Origin, settings: dict[str, str]
) -> None:
    producer.execute(REFUSE)
    enqueue_panels(producer, origin, 3)
    worker = RunningWorker(settings)
    try:
        [told] = worker.wait_for_log("claiming failed unexpectedly")
        assert "no claim is allowed" in told["exception"]
        producer.execute("DROP TRIGGER refuse ON storyboards")
        wait_for_statuses(producer, ready=3)
        assert worker.is_running
    finally:
        worker.stop_for_good()


def test_a_sweep_ends_and_reports_it(
    producer: psycopg.Connection,
    origin: Origin,
    settings: dict[str, str],
    sentry: SentryServer,
) -> None:
    producer.execute(REFUSE)
    enqueue_panels(producer, origin, 3)
    process = subprocess.run(
        [sys.executable, "-m", "storyboard_worker", "sweep"],
        env=environment({**settings, "SENTRY_DSN": sentry.dsn}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    (event,) = sentry.events
    assert event["level"] == "fatal"
    assert "no claim is allowed" in str(event["exception"])
