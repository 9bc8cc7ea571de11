"""A row that kills each worker that takes it is found out, and the rows beside it are copied."""

import signal
from contextlib import closing
from functools import partial

import psycopg

from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels
from tests.support.running_command import StoryboardWorker
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, wait_for_statuses

DEADLY = """
import os, signal, time
from storyboard_worker.transfer.copying import Transfer
copy = Transfer.copy
def deadly(self, attempt):
    if "poison" in attempt.claim.source_url:
        time.sleep(0.2)  # its neighbours are under way by then
        os.kill(os.getpid(), signal.SIGKILL)
    return copy(self, attempt)
Transfer.copy = deadly
"""
NEIGHBOURS = 20
# The first death may have had another cause in its company. The next three are the row's own.
DEATHS = 4


def has_left(producer: psycopg.Connection) -> bool:
    """Whether the server has noticed that no worker is there."""
    sessions = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'storyboard-worker' AND datname = current_database()"
    )
    return producer.execute(sessions).fetchone() == (0,)


def let_leases_lapse(producer: psycopg.Connection) -> None:
    """The dead worker's rows are rescued at once, so time does not tell their company apart."""
    producer.execute(
        "UPDATE storyboards SET lease_expires_at = now() - interval '1 second' "
        "WHERE status = 'processing'"
    )


def test_its_neighbours_are_ready_and_it_is_lost_with_its_fourth_worker(
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    settings: dict[str, str],
) -> None:
    origin.delay_seconds = 0.5
    poison = enqueue_panel(producer, origin, "poison.jpg", priority=5)
    enqueue_panels(producer, origin, NEIGHBOURS)
    for _ in range(DEATHS):
        # No lease lapses by itself, however busy the machine is: that would be one more death.
        doomed = start_worker(DEADLY, LEASE_SECONDS="60", WORKER_CONCURRENCY="8")
        assert doomed.wait() == -signal.SIGKILL
        eventually(partial(has_left, producer))
        let_leases_lapse(producer)
    # By a pass that works on no row: one whose row is locked just then would keep its lost attempt.
    with closing(StoryboardWorker(settings)) as command:
        assert command("sweep", "--no-process").code == 0
    start_worker(DEADLY, LEASE_SECONDS="60", WORKER_CONCURRENCY="8")
    wait_for_statuses(producer, ready=NEIGHBOURS, failed=1)
    rows = {row["id"]: row for row in all_rows(producer)}
    assert rows[poison]["error_code"] == "worker_lost"
    assert rows.pop(poison)["attempts"] == DEATHS
    gone_through = {
        (row["attempts"], row["own_errors"], row["workers_lost"]) for row in rows.values()
    }
    assert gone_through == {(1, 0, 0)}, "what was lost in its company is given back"
