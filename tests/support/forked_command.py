"""The real command in a process of its own, forked from one that has loaded the program."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from tests.support.fork_server import PACKET_BYTES
from tests.support.running_command import Result
from tests.support.running_worker import environment


class ForkedCommand:
    """A command that runs or has ended."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder = folder
        self.pid = pid
        self._started_at = time.monotonic()
        self._ended_at = self._started_at
        self._code: int | None = None
        self._ended = threading.Event()

    def note_end(self, code: int) -> None:
        self._code = code
        self._ended_at = time.monotonic()
        self._ended.set()

    @property
    def is_running(self) -> bool:
        return not self._ended.is_set()

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self._ended_at - self._started_at

    @property
    def err(self) -> str:
        """Its output on stderr so far."""
        return (self._folder / "err").read_text()

    def signal(self, number: signal.Signals) -> None:
        if self.is_running:
            # It may end at this moment.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout_seconds: float) -> Result | None:
        """The result, or ``None`` if it still runs after so long; then it is killed."""
        if not self._ended.wait(timeout_seconds):
            self.signal(signal.SIGKILL)
            self._ended.wait()
            return None
        assert self._code is not None
        return Result(self._code, (self._folder / "out").read_text(), self.err)


class ForkServer:
    """Starts commands; made by :func:`fork_server`."""

    def __init__(self, folder: Path, requests: socket.socket) -> None:
        self._folder = folder
        self._requests = requests
        self._starting = threading.Lock()
        self._count = 0
        self._running: dict[int, ForkedCommand] = {}
        self._pids: SimpleQueue[int] = SimpleQueue()
        self._known = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="fork server", daemon=True)
        self._reader.start()

    def start(
        self, arguments: list[str], settings: Mapping[str, str], changes: str = ""
    ) -> ForkedCommand:
        """``changes`` is Python that alters the program before it runs."""
        with self._starting:
            self._count += 1
            folder = self._folder / str(self._count)
            folder.mkdir()
            request = {
                "arguments": arguments,
                "changes": changes,
                "environment": environment({**settings, "LOG_FORMAT": "json"}),
                "out": str(folder / "out"),
                "err": str(folder / "err"),
            }
            for stream in ("out", "err"):
                (folder / stream).touch()
            self._requests.send(json.dumps(request).encode())
            command = ForkedCommand(folder, self._pids.get())
            with self._known:
                self._running[command.pid] = command
                self._known.notify_all()
            return command

    def kill_all(self) -> None:
        with self._known:
            left = list(self._running.values())
        for command in left:
            command.signal(signal.SIGKILL)

    def _read(self) -> None:
        while packet := self._requests.recv(PACKET_BYTES):
            said = json.loads(packet)
            if "code" not in said:
                self._pids.put(said["pid"])
                continue
            with self._known:
                self._known.wait_for(lambda pid=said["pid"]: pid in self._running)  # type: ignore[misc]
                self._running.pop(said["pid"]).note_end(said["code"])


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """No command is left at the end."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with tempfile.TemporaryDirectory(prefix="storyboard-forks-") as folder, ours:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server"],
            stdin=its.fileno(),
            env=environment({}),
        )
        its.close()
        server = ForkServer(Path(folder), ours)
        try:
            yield server
        finally:
            server.kill_all()
            ours.shutdown(socket.SHUT_WR)
            process.wait()
