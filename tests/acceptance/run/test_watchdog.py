"""The watchdog ends a process whose loop stands still, and no other process."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.support.process_environment import environment
from tests.support.running_worker import StartWorker

# A loop that makes progress for each line that it reads, under a watchdog that is in a hurry.
SCRIPT = """
import sys
from storyboard_worker.logs import set_up
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.worker import watchdog

set_up("json", Redactor())
watchdog.TICK_SECONDS = 0.05
reporter = Reporter(SentrySettings(), Redactor(), worker_id="worker-1")
dog = watchdog.Watchdog(reporter, stuck_after_seconds=1.0)
dog.start()
for line in sys.stdin:
    dog.progress()
    print(line, end="", flush=True)
"""

# A worker whose watchdog would act long before the loop ends an idle wait.
IMPATIENT = """
from storyboard_worker.worker import loop, watchdog
watchdog.TICK_SECONDS = 0.1
watchdog.Watchdog.__init__.__kwdefaults__["stuck_after_seconds"] = 4.0
loop.PROGRESS_SECONDS = 0.5
"""

TURN_SECONDS = 0.1


class Looping:
    """The script in a process, with the input and the output of its loop."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def turn(self) -> None:
        """Let the loop turn once, and wait for the end of the turn."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"turn\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"turn\n"


@pytest.fixture
def looping() -> Iterator[Looping]:
    looping = Looping()
    looping.turn()
    with looping.process:
        yield looping
        looping.process.kill()


def test_a_loop_that_stands_still_ends_the_process_with_70(looping: Looping) -> None:
    assert looping.process.wait(20) == 70
    _, log = looping.process.communicate(timeout=20)
    assert b"The worker is stuck" in log


def test_a_loop_that_moves_is_left_alone(looping: Looping) -> None:
    ends_at = time.monotonic() + 3
    while time.monotonic() < ends_at:
        looping.turn()
        time.sleep(TURN_SECONDS)  # The loop has nothing to do for so long.
    _, log = looping.process.communicate(timeout=20)
    assert (looping.process.returncode, log) == (0, b"")


def test_a_process_that_was_stopped_is_not_stuck(looping: Looping) -> None:
    looping.turn()
    looping.process.send_signal(signal.SIGSTOP)
    time.sleep(2.0)  # This time must not count.
    looping.process.send_signal(signal.SIGCONT)
    looping.turn()
    _, log = looping.process.communicate(timeout=20)
    assert (looping.process.returncode, log) == (0, b"")


def test_a_worker_that_idles_for_long_is_not_stuck(start_worker: StartWorker) -> None:
    worker = start_worker(IMPATIENT, POLL_INTERVAL_SECONDS="600")
    worker.wait_for_log("listening for new rows")
    time.sleep(6.0)  # This time must not count.
    assert worker.is_running, worker.shown_log()


def test_a_log_that_is_not_read_does_not_keep_it_from_ending() -> None:
    """The pipe is full, so each thread that logs waits: the loop, then the watchdog itself."""
    script = SCRIPT.replace("dog = watchdog", "watchdog.LAST_WORDS_SECONDS = 0.5\ndog = watchdog")
    script += "import logging\nwhile True:\n    logging.getLogger().warning('x' * 1000)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment({}),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.wait(30) == 70
    finally:
        process.kill()
        process.communicate()
