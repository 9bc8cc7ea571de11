"""The real command in a process of its own, as a person or cron starts it."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from os import fsdecode

from tests.support.forked_command import ForkedCommand, shared_fork_server
from tests.support.process_environment import environment
from tests.support.result import Result

PATIENCE_SECONDS = 60.0
COMMAND = (sys.executable, "-m", "storyboard_worker")


class StoryboardWorker:
    """``storyboard-worker`` with these settings and no others; :meth:`close` it at the end.

    Each command is forked from a process that has loaded the program.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._started: list[ForkedCommand] = []

    def __call__(self, *arguments: object, stdin: str | bytes = "", **changed: str) -> Result:
        """Run it to its end, and check that it prints no traceback."""
        return finish(self._start(arguments, changed, _encoded(stdin)))

    def start(self, *arguments: object, **changed: str) -> ForkedCommand:
        """Start it, to be finished later. A setting changed to nothing is not set."""
        return self._start(arguments, changed, b"")

    def _start(
        self, arguments: Sequence[object], changed: Mapping[str, str], stdin: bytes
    ) -> ForkedCommand:
        settings = _merged(self._settings, changed)
        words = [fsdecode(_argument(argument)) for argument in arguments]
        command = shared_fork_server().start(words, settings, stdin=stdin)
        self._started.append(command)
        return command

    def close(self) -> None:
        """Kill all that was started, however the test ended."""
        for command in self._started:
            command.kill()


class FreshStoryboardWorker:
    """The same in a new interpreter each time, which costs half a second of a processor.

    For tests of what happens before the command begins: imports, streams, limits.
    """

    def __init__(self, settings: Mapping[str, str], command: Sequence[str] = COMMAND) -> None:
        self._settings = settings
        self._command = command
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(self, *arguments: object, stdin: str | bytes = "", **changed: str) -> Result:
        """Run it to its end, and check that it prints no traceback."""
        return finish_process(self.start(*arguments, **changed), _encoded(stdin))

    def start(self, *arguments: object, **changed: str) -> subprocess.Popen[bytes]:
        """Start it, to be finished later. A setting changed to nothing is not set."""
        process = subprocess.Popen(
            [*self._command, *(_argument(argument) for argument in arguments)],
            env=environment(_merged(self._settings, changed)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill all that was started, however the test ended."""
        for process in self._started:
            process.kill()
            process.communicate()


def finish(command: ForkedCommand) -> Result:
    """Wait for a command that was started."""
    result = command.wait(PATIENCE_SECONDS)
    assert result is not None, f"it still runs after {PATIENCE_SECONDS:g} s: {command.err}"
    assert "Traceback" not in result.err, result.shown()
    return result


def finish_process(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Result:
    """The same for a command in a new interpreter."""
    out, err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
    result = Result(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in result.err, result.shown()
    return result


def _merged(settings: Mapping[str, str], changed: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in {**settings, **changed}.items() if value}


def _encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _argument(argument: object) -> str | bytes:
    return argument if isinstance(argument, bytes) else str(argument)
