"""A demo that runs: what it prints, and what it must not leave behind."""

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg


@contextmanager
def folder_for_demos() -> Iterator[Path]:
    """The temporary folder of a demo, which the user that runs Postgres may enter."""
    with tempfile.TemporaryDirectory(prefix="storyboard-test-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for pid in processes_of(folder):  # of a test that has failed
            os.kill(pid, signal.SIGKILL)


def assert_nothing_left(folder: Path) -> None:
    """No files are left, and no process whose command names ``folder``."""
    assert list(folder.glob("storyboard-*")) == []
    assert processes_of(folder) == {}


def processes_of(folder: Path) -> dict[int, str]:
    """Their commands, by their pids."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it has ended
            continue
        if str(folder).encode() in seen:
            found[int(process.name)] = seen.partition(b"\0")[0].decode()
    return found


def wait_for_line(process: subprocess.Popen[bytes], text: str, stream: str = "stderr") -> str:
    """The output up to the line that holds ``text``."""
    pipe = getattr(process, stream)
    seen = ""
    while text not in seen:
        line = pipe.readline().decode()
        assert line, f"ended without {text!r}: {seen}"
        seen += line
    return seen


class Shown:
    """What a demo that keeps running prints, read to its end."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        threading.Thread(target=process.stderr.read, daemon=True).start()  # type: ignore[union-attr]
        self.text = wait_for_line(process, "storyboard-worker enqueue", "stdout")
        self.exported = dict(re.findall(r"export (\w+)='?([^'\n]*)", self.text))
        board = re.search(r"http://127\.0\.0\.1:(\d+)/\n +(\S+)\n", self.text)
        assert board, self.text
        self.port, self.token = int(board[1]), board[2]

    def rows(self, condition: str) -> list[UUID]:
        """The ids of the rows for which ``condition`` holds."""
        with psycopg.connect(self.exported["DATABASE_URL"]) as connection:
            found = connection.execute(f"SELECT id FROM storyboards WHERE {condition}")
            return [id_ for (id_,) in found]

    def interrupt(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(30)
