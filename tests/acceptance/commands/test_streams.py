"""Streams that are closed, full, or lose their reader end a command with a line, not a stack."""

import shlex
import signal
import subprocess
from collections.abc import Callable

import psycopg
import pytest

from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel
from tests.support.process_environment import environment
from tests.support.producing import FAILED, enqueue
from tests.support.running_command import COMMAND, PATIENCE_SECONDS
from tests.support.waiting import eventually, statuses

Shell = Callable[[str], subprocess.Popen[str]]
LOST = "Error: the result cannot be written to stdout: "
FULL = "No space left on device"


@pytest.fixture
def shell(settings: dict[str, str]) -> Shell:
    """Starts the command with arguments and redirections in the syntax of a shell."""

    def start(line: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", f"exec {shlex.join(COMMAND)} {line}"],
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err


def test_a_result_that_cannot_be_written_is_reported_in_one_line(
    shell: Shell, producer: psycopg.Connection
) -> None:
    enqueue(producer)
    expected = {
        "status >&-": f"{LOST}it is closed\n",
        "list --json <&- >&-": f"{LOST}it is closed\n",
        "status > /dev/full": f"{LOST}{FULL}\n",
        "show --help > /dev/full": f"{LOST}{FULL}\n",
        "list >&- 2>&-": "",
    }
    for started, told in [(shell(line), told) for line, told in expected.items()]:
        assert ended(started) == (1, "", told)


def test_a_remark_that_cannot_be_written_costs_no_result(
    shell: Shell, producer: psycopg.Connection
) -> None:
    for line in ("2> /dev/full", "2>&-"):
        id_ = enqueue(producer, **FAILED)
        assert ended(shell(f"retry --all-failed {line}")) == (0, f"{id_}\n", "")


@pytest.mark.parametrize("redirected", ["2> /dev/full", "<&- >&- 2>&-"])
def test_a_worker_whose_log_is_lost_goes_on(
    shell: Shell, producer: psycopg.Connection, origin: Origin, redirected: str
) -> None:
    worker = shell(f"run {redirected}")
    try:
        enqueue_panel(producer, origin)
        eventually(lambda: statuses(producer) == {"ready": 1})
        worker.send_signal(signal.SIGTERM)
        assert ended(worker) == (0, "", "")
    finally:
        worker.kill()
        worker.communicate()


def test_a_second_signal_ends_it_where_stderr_is_full(
    shell: Shell, producer: psycopg.Connection, origin: Origin
) -> None:
    origin.delay_seconds = 60.0
    worker = shell("run 2> /dev/full")
    try:
        enqueue_panel(producer, origin)
        eventually(lambda: statuses(producer) == {"processing": 1})
        origin.wait_for_requests(1)
        worker.send_signal(signal.SIGTERM)
        draining = "SELECT state FROM storyboard_workers"
        eventually(lambda: producer.execute(draining).fetchall() == [("draining",)])
        worker.send_signal(signal.SIGTERM)
        assert ended(worker) == (1, "", "")
    finally:
        worker.kill()
        worker.communicate()
