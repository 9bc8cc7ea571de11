"""After the listening connection has died, the worker polls until it listens again."""

import psycopg

from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, wait_for_statuses

TERMINATE_LISTENERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE 'LISTEN%'
"""


def test_a_lost_listener_is_replaced_and_no_row_waits_for_it(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    worker = start_worker(LEASE_SECONDS="60")
    worker.wait_for_log("listening for new rows")
    assert producer.execute(TERMINATE_LISTENERS).fetchone() == (1,)
    worker.wait_for_log("listening ended, polling until it is back")
    enqueue_panel(producer, origin, "while-polling.jpg")
    wait_for_statuses(producer, timeout_seconds=10, ready=1)

    worker.wait_for_log("listening for new rows", count=2)
    enqueue_panel(producer, origin, "afterwards.jpg")
    # By polling, which is rare while it listens, this would take up to 30 s.
    wait_for_statuses(producer, timeout_seconds=10, ready=2)
    assert worker.is_running


def test_losing_it_again_and_again_leaves_one_listener(
    producer: psycopg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker(LEASE_SECONDS="60")
    for times in (1, 2):
        worker.wait_for_log("listening for new rows", count=times)
        assert producer.execute(TERMINATE_LISTENERS).fetchone() == (1,)
    worker.wait_for_log("listening for new rows", count=3)
    eventually(lambda: producer.execute(TERMINATE_LISTENERS).fetchone() == (1,))
