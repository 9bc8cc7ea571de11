"""Help and version need no settings."""

import subprocess
import sys
from pathlib import Path

import pytest

from storyboard_worker import __version__
from storyboard_worker.cli import COMMANDS
from tests.support.running_command import FreshStoryboardWorker


def test_help_names_every_command(fresh_without_settings: FreshStoryboardWorker) -> None:
    shown = fresh_without_settings("--help", COLUMNS="80")

    assert shown.code == 0
    assert shown.err == ""
    for command in COMMANDS:
        assert f"\n  {command} " in shown.out
    for code in ("0 done", "1 it ran", "2 usage", "69 database unreachable", "70 the worker"):
        assert code in " ".join(shown.out.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_fits_a_terminal_and_shows_how(
    fresh_without_settings: FreshStoryboardWorker, command: str
) -> None:
    shown = fresh_without_settings(command, "--help")

    assert shown.code == 0
    assert shown.err == ""
    assert shown.out.startswith(f"Usage: storyboard-worker {command} ")
    assert max(map(len, shown.out.splitlines())) <= 100
    if command != "run":  # which takes no argument
        assert f"Examples:\n  storyboard-worker {command}" in shown.out or (
            f"storyboard-worker {command}" in shown.out.partition("Examples:\n")[2]
        )


def test_no_command_is_a_usage_error_that_shows_the_help(
    fresh_without_settings: FreshStoryboardWorker,
) -> None:
    shown = fresh_without_settings()

    assert shown.code == 2
    assert shown.out == ""
    assert shown.err.startswith("Usage: storyboard-worker [OPTIONS] COMMAND")


def test_version_comes_from_the_installed_command() -> None:
    command = Path(sys.executable).with_name("storyboard-worker")
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)

    assert shown.stdout == f"storyboard-worker, version {__version__}\n"
    assert shown.stderr == ""
