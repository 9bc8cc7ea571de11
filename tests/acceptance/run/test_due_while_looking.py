"""A row that falls due while the worker looks at the table is not left to the next poll."""

import psycopg

from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel
from tests.support.producing import moment
from tests.support.running_worker import StartWorker
from tests.support.waiting import wait_for_statuses

# A busy machine: a second passes between the claim and the look for the next due row.
SLOW = """
import time
from storyboard_worker.worker.dispatch import Dispatcher
fill = Dispatcher.fill
def slow(self, **how):
    filled = fill(self, **how)
    if filled.started:
        time.sleep(1)
    return filled
Dispatcher.fill = slow
"""


def test_a_row_that_falls_due_between_claim_and_next_due_is_taken_soon(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    worker = start_worker(SLOW)
    worker.wait_for_log("listening for new rows")
    with producer.transaction():
        enqueue_panel(producer, origin, "now.jpg")
        enqueue_panel(producer, origin, "soon.jpg", available_at=moment(producer, 0.5))
    # With notifications the worker polls every 30 s.
    wait_for_statuses(producer, timeout_seconds=15, ready=2)
