"""The worker lacks descriptors, room for its spool, or threads: no row suffers, no upstream is
blamed, and one event is sent."""

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from storyboard_worker.demo.faults import Chunked
from storyboard_worker.demo.origin import Origin
from tests.support.mixed_rows import enqueue_some, ready
from tests.support.panels import all_rows
from tests.support.running_worker import RunningWorker, StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, statuses, wait_for_statuses

# The usual pauses would take most of the time of these tests.
SOON = """
from storyboard_worker.resources import restraint
from storyboard_worker.transfer import spool
restraint.FIRST_PAUSE_SECONDS = 0.5
restraint.LONGEST_PAUSE_SECONDS = 1.0
restraint.TOLD_AFTER_SECONDS = 0.2
spool.MEMORY_BYTES = 1000
"""
FEW_DESCRIPTORS = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (18, 18))
"""
# The effect of a full or read-only disk: no file can grow. It can be lifted from outside.
NO_SPOOL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""
NO_THREADS = """
import pathlib, threading
start = threading.Thread.start
def refused_while_it_lasts(thread):
    if thread.name.startswith({names!r}) and pathlib.Path({flag!r}).exists():
        raise RuntimeError("can't start new thread")
    start(thread)
threading.Thread.start = refused_while_it_lasts
"""


def assert_no_row_suffered(producer: psycopg.Connection, worker: RunningWorker) -> None:
    rows = all_rows(producer)
    assert {(row["status"], row["attempts"]) for row in rows} == {("ready", 1)}
    assert not worker.logged("upstream paused")
    [(paused,)] = producer.execute("SELECT paused FROM storyboard_workers").fetchall()
    assert paused == {}


def the_alarm(sentry: SentryServer) -> dict[str, Any]:
    """The only event."""
    eventually(lambda: sentry.events)
    [event] = sentry.events
    assert event["tags"]["alarm"] == "resources"
    return event


def lacking(producer: psycopg.Connection, what: str) -> Callable[[], int]:
    """How many rows wait with this reason."""

    def count() -> int:
        found = [row for row in all_rows(producer) if row["status"] == "pending"]
        return sum(
            row["error_code"] == "unexpected"
            and row["error_message"].startswith(f"this worker lacks {what} (")
            for row in found
        )

    return count


def test_too_few_descriptors(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, sentry: SentryServer
) -> None:
    origin.delay_seconds = 0.05
    enqueue_some(producer, origin, "panel", 20)
    worker = start_worker(SOON + FEW_DESCRIPTORS, SENTRY_DSN=sentry.dsn)
    [warned] = worker.logged("WORKER_CONCURRENCY=16 needs more file descriptors than there are")
    assert "limit of 18 open files" in warned["reason"]
    wait_for_statuses(producer, ready=20)
    assert "EMFILE" in worker.logged("storyboard released")[0]["reason"]
    assert "WORKER_CONCURRENCY" in str(the_alarm(sentry))
    assert_no_row_suffered(producer, worker)


def test_no_room_for_the_spool(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker, sentry: SentryServer
) -> None:
    spooled = enqueue_some(producer, origin, "spooled", 8, [Chunked(always=True)], priority=10)
    others = enqueue_some(producer, origin, "other", 12)
    worker = start_worker(SOON + NO_SPOOL, SENTRY_DSN=sentry.dsn)
    eventually(lambda: ready(producer, others) == len(others))
    eventually(lambda: lacking(producer, "room for the spool")() == len(spooled))
    assert worker.logged("images whose source does not say how long they are cannot be copied")
    assert "TMPDIR" in str(the_alarm(sentry))
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, unlimited)
    wait_for_statuses(producer, ready=20)
    assert_no_row_suffered(producer, worker)
    assert len(sentry.events) == 1


@pytest.mark.parametrize("names", ["slot-", "watchdog"])
def test_no_thread_to_be_had(
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    sentry: SentryServer,
    tmp_path: Path,
    names: str,
) -> None:
    """A thread for the slots, or even for the loop's helpers. Nothing is claimed without these."""
    flag = tmp_path / "no threads"
    flag.touch()
    enqueue_some(producer, origin, "panel", 20)
    changes = SOON + NO_THREADS.format(flag=str(flag), names=names)
    worker = start_worker(changes, SENTRY_DSN=sentry.dsn)
    if names == "slot-":
        eventually(lambda: lacking(producer, "threads")() >= 16)
    else:
        worker.wait_for_log("waiting for what the worker lacks", count=2)
        assert statuses(producer) == {"pending": 20}
    flag.unlink()
    wait_for_statuses(producer, ready=20)
    assert "ulimit -u" in str(the_alarm(sentry))
    assert_no_row_suffered(producer, worker)
    assert len(sentry.events) == 1
