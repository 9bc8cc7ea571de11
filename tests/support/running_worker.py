"""The real worker in a process of its own, watched through its log."""

import json
import os
import signal
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from storyboard_worker.demo.cloudinary import Cloudinary
from tests.support.forked_command import shared_fork_server
from tests.support.waiting import PATIENCE_SECONDS

SHOWN_LINES = 30
MOST_OUT_BYTES = 1_000_000

LogLine = dict[str, Any]


class RunningWorker:
    """``storyboard-worker run``; :meth:`stop_for_good` must be called at the end.

    ``changes`` is Python that alters the program before it runs.
    """

    def __init__(self, settings: Mapping[str, str], changes: str = "") -> None:
        self._out = tempfile.TemporaryFile()  # noqa: SIM115  closed by stop_for_good()
        log, written = os.pipe()
        self._log = os.fdopen(log, "rb")
        with Path(os.devnull).open() as nothing, os.fdopen(written, "wb") as stderr:
            streams = [nothing.fileno(), self._out.fileno(), stderr.fileno()]
            settings = {**settings, "LOG_FORMAT": "json"}
            self._process = shared_fork_server().fork(["run"], settings, changes, streams)
        self._lines: list[LogLine] = []
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="worker log", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.is_running

    @property
    def out(self) -> bytes:
        """Its output on stdout so far."""
        return os.pread(self._out.fileno(), MOST_OUT_BYTES, 0)

    @property
    def log(self) -> list[LogLine]:
        """All lines so far. A line that is no JSON has only a ``message``."""
        with self._changed:
            return list(self._lines)

    def logged(self, message: str) -> list[LogLine]:
        """The lines so far whose message begins so."""
        return [line for line in self.log if line["message"].startswith(message)]

    def wait_for_log(
        self, message: str, count: int = 1, timeout_seconds: float = PATIENCE_SECONDS
    ) -> list[LogLine]:
        """The lines whose message begins so, once there are ``count``."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended or len(self.logged(message)) >= count, timeout_seconds
            )
        found = self.logged(message)
        assert len(found) >= count, f"no {count} lines {message!r} in:\n{self.shown_log()}"
        return found

    def signal(self, number: signal.Signals) -> None:
        self._process.signal(number)

    def wait(self, timeout_seconds: float = PATIENCE_SECONDS) -> int:
        """The exit code. The log is complete afterwards."""
        code = self._process.wait_for_code(timeout_seconds)
        assert code is not None, f"it still runs after {timeout_seconds:g} s:\n{self.shown_log()}"
        self._reader.join(timeout_seconds)
        return code

    def stop_for_good(self) -> None:
        """Kill it if it still runs, and wait for it."""
        self._process.kill()
        self._reader.join()
        self._log.close()
        self._out.close()

    def assert_no_exception_logged(self) -> None:
        """To be called once it has ended, when the log is complete."""
        broken = [line for line in self.log if "exception" in line]
        assert not broken, self.shown_log()
        assert not self.logged("Traceback"), self.shown_log()

    def shown_log(self) -> str:
        return "\n".join(map(str, self.log[-SHOWN_LINES:]))

    def _read(self) -> None:
        for raw in self._log:
            text = raw.decode().rstrip()
            try:
                line = json.loads(text)
            except ValueError:
                line = {"message": text}
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def worker_settings(database_url: str, cloudinary: Cloudinary) -> dict[str, str]:
    """What every worker of a test needs."""
    return {
        "DATABASE_URL": database_url,
        "CLOUDINARY_CLOUD_NAME": cloudinary.cloud_name,
        "CLOUDINARY_API_KEY": cloudinary.api_key,
        "CLOUDINARY_API_SECRET": cloudinary.api_secret,
        "CLOUDINARY_UPLOAD_PREFIX": cloudinary.url,
        "SOURCE_ALLOW_PRIVATE": "true",
        "LEASE_SECONDS": "3",
    }


class StartWorker(Protocol):
    """Starts a worker with the common settings, changed by ``settings``."""

    def __call__(self, changes: str = "", **settings: str) -> RunningWorker: ...
