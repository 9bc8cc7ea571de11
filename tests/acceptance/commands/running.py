"""The real command in a process of its own, as a person or cron starts it."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.running_worker import environment

PATIENCE_SECONDS = 60.0
COMMAND = (sys.executable, "-m", "storyboard_worker")


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one line of stdout."""
        assert self.out.count("\n") == 1, self.shown()
        return json.loads(self.out)

    @property
    def error_lines(self) -> list[str]:
        """The lines of stderr that are no log lines."""
        return [line for line in self.err.splitlines() if not line.startswith("{")]

    def shown(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class StoryboardWorker:
    """``storyboard-worker`` with these settings and no others; :meth:`close` it at the end."""

    def __init__(self, settings: Mapping[str, str], command: Sequence[str] = COMMAND) -> None:
        self._settings = settings
        self._command = command
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(self, *arguments: object, stdin: str | bytes = "", **changed: str) -> Result:
        """Run it to its end, and assert that it prints no traceback."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        return finish(self.start(*arguments, **changed), given)

    def start(self, *arguments: object, **changed: str) -> subprocess.Popen[bytes]:
        """Start it, to be finished later. A setting changed to nothing is not set."""
        settings = {name: value for name, value in {**self._settings, **changed}.items() if value}
        process = subprocess.Popen(
            [*self._command, *(_argument(argument) for argument in arguments)],
            env=environment(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End all that was started, however the test ended."""
        for process in self._started:
            process.kill()
            process.communicate()


def finish(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Result:
    """Wait for a command that was started."""
    out, err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
    result = Result(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in result.err, result.shown()
    return result


def _argument(argument: object) -> str | bytes:
    return argument if isinstance(argument, bytes) else str(argument)
