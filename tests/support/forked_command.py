"""The real command in a process of its own, forked from one that has loaded the program."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from queue import SimpleQueue

from tests.support.fork_server import PACKET_BYTES
from tests.support.process_environment import environment
from tests.support.result import Result


class ForkedProcess:
    """A process that runs or has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._started_at = time.monotonic()
        self._ended_at = self._started_at
        self._code = 0
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

    def signal(self, number: signal.Signals) -> None:
        if self.is_running:
            # It may end at this moment.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it, and wait for its end."""
        self.signal(signal.SIGKILL)
        self._ended.wait()

    def wait_for_code(self, timeout_seconds: float) -> int | None:
        """The exit code, or ``None`` if it still runs after so long; then it is killed."""
        if not self._ended.wait(timeout_seconds):
            self.kill()
            return None
        return self._code


class ForkedCommand:
    """A command whose output goes to files in ``folder``."""

    def __init__(self, folder: Path, process: ForkedProcess) -> None:
        self._folder = folder
        self._process = process
        self.pid = process.pid
        self.signal = process.signal
        self.kill = process.kill

    @property
    def is_running(self) -> bool:
        return self._process.is_running

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self._process.seconds

    @property
    def err(self) -> str:
        """Its output on stderr so far."""
        return (self._folder / "err").read_text()

    def wait(self, timeout_seconds: float) -> Result | None:
        """The result, or ``None`` if it still runs after so long; then it is killed."""
        code = self._process.wait_for_code(timeout_seconds)
        return None if code is None else Result(code, (self._folder / "out").read_text(), self.err)


class ForkServer:
    """Starts commands; made by :func:`fork_server`."""

    def __init__(self, folder: Path, requests: socket.socket) -> None:
        self._folder = folder
        self._requests = requests
        self._starting = threading.Lock()
        self._count = 0
        self._running: dict[int, ForkedProcess] = {}
        self._pids: SimpleQueue[int] = SimpleQueue()
        self._known = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="fork server", daemon=True)
        self._reader.start()

    def start(
        self,
        arguments: Sequence[str],
        settings: Mapping[str, str],
        changes: str = "",
        stdin: bytes = b"",
    ) -> ForkedCommand:
        """``changes`` is Python that alters the program before it runs."""
        with self._starting:
            self._count += 1
            folder = self._folder / str(self._count)
        folder.mkdir()
        given, giving = os.pipe()
        with (
            os.fdopen(given) as reader,
            (folder / "out").open("w") as out,
            (folder / "err").open("w") as err,
        ):
            # A pipe takes as much as one packet at once.
            with os.fdopen(giving, "wb") as writer:
                writer.write(stdin)
            streams = [reader.fileno(), out.fileno(), err.fileno()]
            return ForkedCommand(folder, self.fork(arguments, settings, changes, streams))

    def fork(
        self,
        arguments: Sequence[str],
        settings: Mapping[str, str],
        changes: str,
        streams: Sequence[int],
    ) -> ForkedProcess:
        """A command with these descriptors for its three standard streams."""
        request = {
            "arguments": arguments,
            "changes": changes,
            "environment": environment(settings),
            "folder": str(Path.cwd()),
        }
        with self._starting:
            socket.send_fds(self._requests, [json.dumps(request).encode()], streams)
            process = ForkedProcess(self._pids.get())
        with self._known:
            self._running[process.pid] = process
            self._known.notify_all()
        return process

    def kill_all(self) -> None:
        with self._known:
            left = list(self._running.values())
        for process in left:
            process.signal(signal.SIGKILL)

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


@cache
def shared_fork_server() -> ForkServer:
    """The one of this process, started when it is first needed."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(fork_server())
