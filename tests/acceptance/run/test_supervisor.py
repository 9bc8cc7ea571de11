"""The parent of several processes, whose processes do nothing but end as a test wants."""

import os
import signal
import socket
from collections.abc import Iterator
from typing import Protocol

import pytest

from tests.support.forked_command import shared_fork_server
from tests.support.process_tree import children_of, has_ended, killed_at_the_end
from tests.support.running_worker import RunningWorker
from tests.support.waiting import eventually

# No database is asked: the processes do not work.
SETTINGS = {
    "DATABASE_URL": "postgresql://user@127.0.0.1:1/db",
    "CLOUDINARY_URL": "cloudinary://key:secret@cloud",
    "PROCESSES": "2",
    "SHUTDOWN_GRACE_SECONDS": "60",
}
INSTEAD = """
import os, signal, threading, time
from storyboard_worker.cli import several
from storyboard_worker.logs import event
def work(inherited, record, settings, shutdown, before):
    inherited.hold()
    event(20, "began", before=before and before.how, slots=settings.worker_concurrency)
# BODY
several.work_as_worker = work
"""
STOPS = """
    while not shutdown.requested:
        signal.pause()
    return 0
"""
NEVER_STOPS = """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    event(20, "hears")
    while True:
        os.read(reading, 1)
        event(20, "heard one")
"""
DIES = """
    return 1
"""
DIES_ONCE = f"""
    if before is None:
        return 70
{STOPS}
"""
REFUSES = f"""
    if settings.worker_concurrency == 5:
        return 2
{STOPS}
"""

# SIGINT can only go to the other thread, and the main thread waits for what never comes.
HEARS_IN_ANOTHER_THREAD = """
    import queue
    from storyboard_worker.worker.processes.stop_watcher import watch_for_stop
    watch_for_stop(shutdown, inherited.parent)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    nothing = queue.SimpleQueue()
    shutdown.on_request(lambda: nothing.put(None))
    nothing.get()
    event(20, "heard")
    return 0
"""


class Supervise(Protocol):
    """Starts a parent whose processes do what the body of a function says."""

    def __call__(self, body: str, **settings: str) -> RunningWorker: ...


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    parents: list[RunningWorker] = []

    def supervise(body: str, **settings: str) -> RunningWorker:
        parent = RunningWorker({**SETTINGS, **settings}, INSTEAD.replace("# BODY", body))
        parents.append(parent)
        parent.wait_for_log("began", 2)
        return parent

    yield supervise
    for parent in parents:
        # The log ends with the last process that has it.
        with killed_at_the_end(children_of(parent.pid)):
            parent.signal(signal.SIGKILL)
        parent.stop_for_good()


def test_one_that_dies_is_started_again_at_once_and_told_once(supervise: Supervise) -> None:
    parent = supervise(DIES_ONCE)
    deaths = parent.wait_for_log("a process ended by itself", 2)
    assert {(death["ended"], death["again_in_seconds"]) for death in deaths} == {
        ("exit code 70", 0)
    }
    assert {death["process"] for death in deaths} == {"worker 1", "worker 2"}
    began = parent.wait_for_log("began", 4)
    assert [one["process"] for one in began].count("worker 2") == 2
    assert [one.get("before") for one in began].count("exit code 70") == 2
    parent.signal(signal.SIGTERM)
    assert parent.wait() == 0
    assert len(parent.logged("a process ended")) == 2


def test_those_that_keep_dying_are_started_ever_more_rarely(supervise: Supervise) -> None:
    parent = supervise(DIES)
    deaths = parent.wait_for_log("a process ended by itself", 4)
    for name in ("worker 1", "worker 2"):
        waits = [death["again_in_seconds"] for death in deaths if death["process"] == name]
        assert waits == [0, 1, 2, 4, 8][: len(waits)]
    parent.signal(signal.SIGTERM)
    assert parent.wait() == 0


def test_a_stop_reaches_a_main_thread_that_the_signal_did_not_interrupt(
    supervise: Supervise,
) -> None:
    parent = supervise(HEARS_IN_ANOTHER_THREAD)
    os.kill(children_of(parent.pid)[0], signal.SIGINT)
    parent.wait_for_log("heard")
    [death] = parent.wait_for_log("a process ended by itself")
    assert death["ended"] == "exit code 0"


def test_without_their_parent_they_stop(supervise: Supervise) -> None:
    parent = supervise(HEARS_IN_ANOTHER_THREAD)
    children = children_of(parent.pid)
    with killed_at_the_end(children):
        parent.signal(signal.SIGKILL)
        parent.wait_for_log("heard", 2)
        eventually(lambda: all(has_ended(child) for child in children))


def test_settings_that_a_process_refuses_end_all_with_2(supervise: Supervise) -> None:
    parent = supervise(REFUSES, WORKER_CONCURRENCY="11", PROCESSES="2")
    assert parent.wait() == 2
    assert not parent.logged("a process ended by itself")


def test_what_does_not_stop_is_killed_after_the_grace(supervise: Supervise) -> None:
    changes = "\nfrom storyboard_worker.worker.processes import supervisor"
    changes += "\nsupervisor.SPARE_SECONDS = 0.1\n"
    parent = supervise(NEVER_STOPS + changes, SHUTDOWN_GRACE_SECONDS="0")
    children = children_of(parent.pid)
    parent.signal(signal.SIGINT)
    assert parent.wait() == 0
    assert all(has_ended(child) for child in children)
    assert len(parent.logged("a process did not stop well")) == 2


def test_a_second_signal_ends_all_at_once(supervise: Supervise) -> None:
    parent = supervise(NEVER_STOPS)
    parent.wait_for_log("hears", 2)
    children = children_of(parent.pid)
    # A terminal and some supervisors of services send each signal to the processes as well.
    for count, number in enumerate((signal.SIGINT, signal.SIGTERM, signal.SIGTERM), 1):
        for child in children:
            os.kill(child, number)
        parent.wait_for_log("heard one", count * len(children))
    parent.signal(signal.SIGTERM)
    parent.signal(signal.SIGINT)
    assert parent.wait() == 1
    assert parent.logged("second signal: stopping at once")
    assert not parent.logged("a process")
    eventually(lambda: all(has_ended(child) for child in children))


def test_a_port_that_is_taken_is_one_line(supervise: Supervise) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        result = shared_fork_server().start(["run"], {**SETTINGS, "PORT": str(port)}).wait(30)
    assert result is not None
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert result.err.startswith(f"Error: PORT={port} is taken")
