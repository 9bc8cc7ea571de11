"""The command line: parts are put together here, with one module for each group of commands."""

import os
import signal
import sys
from importlib import import_module
from types import FrameType, ModuleType
from typing import NoReturn

import click

from storyboard_worker import __version__
from storyboard_worker.cli.ending import PROGRAM, errors_in_one_line
from storyboard_worker.cli.streams import replace_standard_streams
from storyboard_worker.settings.reading import read_settings

TERMINATED = 128  # plus the signal's number: what a shell says of a process that it ended
# Module and summary of each. A module is imported when its command is called, so `--help` does not
# load the database driver and the SDKs.
COMMANDS = {
    "migrate": ("migrate", "Create the tables, or bring them to the newest version."),
    "run": ("run", "The worker: copies images until it is told to stop."),
    "sweep": ("sweep", "One cron pass: rescue, expire, raise alarms, process what is due."),
    "enqueue": ("rows", "Add rows by hand."),
    "process": ("process", "One row, now, step by step."),
    "status": ("status", "How much waits and how long, who works, what is paused."),
    "list": ("rows", "The newest rows."),
    "show": ("rows", "Everything about one row."),
    "failures": ("failures", "Failed rows, grouped by their cause."),
    "retry": ("retry", "Put failed rows back."),
    "prune": ("prune", "Delete pictures at Cloudinary that no row shows any more."),
    "doctor": ("doctor", "Check the whole installation; each fault with its fix."),
    "demo": ("demo", "The whole job on this machine; nothing needs to be set up."),
}


class LazyGroup(click.Group):
    """Finds its commands in the modules of :data:`COMMANDS`, in that order."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's shape
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = getattr(_module(COMMANDS[cmd_name][0]), f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def _module(name: str) -> ModuleType:
    try:
        return import_module(f"{__name__}.{name}")
    except ValueError:
        # The Cloudinary SDK reads CLOUDINARY_URL when it is imported, and refuses a wrong one
        # with a stack; our own check says what to do.
        read_settings(os.environ)
        raise


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings come from environment variables; the README lists them. Exit codes: 0 done, "
    "1 it ran and the answer is bad, 2 usage or settings, 69 database unreachable, "
    "70 the worker found itself stuck.",
)
@click.version_option(__version__, package_name=PROGRAM)
def cli() -> None:
    """Copies generated storyboard images to Cloudinary before their signed URLs die.

    Rows of the table `storyboards` are the jobs: a web app inserts them, `run` processes them,
    and `sweep` (from cron) processes what was left.

    \b
    First steps:
      storyboard-worker demo        the whole job on this machine, nothing to set up
      storyboard-worker migrate     create the tables in DATABASE_URL
      storyboard-worker run         start the worker
      storyboard-worker status      how much waits, who works
    """


def main() -> None:
    """Run a command; each kind of error becomes one line and its exit code."""
    replace_standard_streams()
    # Process 1 of a container has no default action for SIGTERM: a stop would be ignored until
    # `run` or `sweep` install their own handler.
    signal.signal(signal.SIGTERM, _terminated)
    with errors_in_one_line():
        sys.exit(cli.main(prog_name=PROGRAM, standalone_mode=False))


def _terminated(signal_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED + signal_number)
