"""An installation to be examined: its settings, its database, and a way to apply fixes."""

import json
import logging
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from click.testing import CliRunner

from storyboard_worker.cli import cli
from storyboard_worker.errors import StoryboardWorkerError
from tests.support.running_command import StoryboardWorker, finish

Check = dict[str, Any]


@dataclass
class Patient:
    """``secrets`` must never be printed. ``settings`` may be changed, also by a fix."""

    settings: dict[str, str]
    owner: psycopg.Connection
    secrets: list[str]

    def examine(self) -> list[Check]:
        """The checks of ``doctor --json``, run in this process."""
        with quiet_logs():
            result = CliRunner(env=dict.fromkeys(INHERITED_SETTINGS)).invoke(
                cli, ["doctor", "--json"], env=self.settings, catch_exceptions=True
            )
        expected = (type(None), SystemExit, StoryboardWorkerError)
        assert isinstance(result.exception, expected), result.exception
        assert [secret for secret in self.secrets if secret in result.output] == []
        report = json.loads(result.stdout)
        checks: list[Check] = report["checks"]
        assert report["ok"] == all(check["status"] != "fail" for check in checks)
        for check in checks:
            assert check.keys() == {"name", "status", "found", "fix"}
            assert (check["fix"] is None) == (check["status"] == "pass"), check
        return checks

    def complaints(self) -> list[tuple[str, str]]:
        """Name and status of each check that does not pass."""
        return [(c["name"], c["status"]) for c in self.examine() if c["status"] != "pass"]

    def fix(self, check: Check) -> None:
        """Apply the fix literally. If it refers to other checks, do nothing."""
        text = check["fix"]
        assert isinstance(text, str)
        if text.startswith("storyboard-worker "):
            command = text.partition(";")[0].partition("#")[0]
            # A command may leave threads behind, so it runs in a process of its own.
            finish(StoryboardWorker(self.settings).start(*shlex.split(command)[1:]))
        elif text.startswith(("set ", "unset ")):
            self._change_settings(text)
        elif not text.startswith("see the "):
            self.owner.execute(text.encode())

    def _change_settings(self, text: str) -> None:
        if found := re.match(r"set (\w+)=([^\s,]+)", text):
            self.settings[found[1]] = found[2]
        elif found := re.match(r"set (\w+) to what `(.+)` prints", text):
            made = subprocess.run(shlex.split(found[2]), capture_output=True, text=True, check=True)
            self.settings[found[1]] = made.stdout.strip()
        elif found := re.match(r"set (\w+) to what (\w+) is", text):
            self.settings[found[1]] = self.settings.pop(found[2])
        elif found := re.match(r"set (\w+) to .* like (\S+)$", text):
            self.settings[found[1]] = found[2]
        else:
            for name in text.partition(",")[0].split()[1:]:
                self.settings.pop(name, None)


# Variables of the machine that tests may have set.
INHERITED_SETTINGS = (
    *("DATABASE_URL", "CLOUDINARY_URL", "CLOUDINARY_CLOUD_NAME", "SENTRY_DSN", "PORT"),
    *("CRON_SECRET", "BOARD_TOKEN"),
)


@contextmanager
def quiet_logs() -> Iterator[None]:
    """A command sets up logs for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
