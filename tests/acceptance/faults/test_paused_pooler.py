"""A paused PgBouncer reads everything and answers nothing. The worker waits until it goes on."""

import psycopg

from storyboard_worker.demo.origin import Origin
from tests.support.database_url import url_of
from tests.support.panels import all_rows, enqueue_panels
from tests.support.pooler import paused, transaction_pooler
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, wait_for_statuses

STUCK_AFTER_SECONDS = 3.0
IMPATIENT = f"""
from storyboard_worker.worker import loop, watchdog
watchdog.TICK_SECONDS = 0.1
watchdog.Watchdog.__init__.__kwdefaults__["stuck_after_seconds"] = {STUCK_AFTER_SECONDS}
loop.PROGRESS_SECONDS = 0.5
"""


def test_the_worker_waits_until_it_goes_on(
    dsn: str,
    producer: psycopg.Connection,
    origin: Origin,
    sentry: SentryServer,
    start_worker: StartWorker,
) -> None:
    with transaction_pooler(dsn) as pooled:
        worker = start_worker(
            IMPATIENT,
            DATABASE_URL=url_of(pooled),
            DATABASE_TIMEOUT_SECONDS="1",
            SENTRY_DSN=sentry.dsn,
        )
        enqueue_panels(producer, origin, 3)
        wait_for_statuses(producer, ready=3)
        with paused(pooled):
            enqueue_panels(producer, origin, 20, prefix="paused")
            worker.wait_for_log("waiting for the database")
            since = producer.execute("SELECT clock_timestamp()").fetchone()
            assert since is not None
            long_enough = "SELECT clock_timestamp() - %s > make_interval(secs => %s)"
            eventually(
                lambda: (
                    producer.execute(long_enough, [since[0], 2 * STUCK_AFTER_SECONDS]).fetchone()
                    == (True,)
                )
            )
            assert worker.is_running, worker.shown_log()
        wait_for_statuses(producer, timeout_seconds=15, ready=23)
        assert {row["attempts"] for row in all_rows(producer)} == {1}
        assert worker.logged("the database is back")
        assert worker.is_running
    assert not [event for event in sentry.events if "stuck" in event["fingerprint"]]
