"""The command line: the composition root, one module a command group."""

import sys
from importlib import import_module

import click

from storyboard_worker import __version__
from storyboard_worker.cli.exits import Exit
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated, SettingsError

# Imported when called, so that `--help` does not load the database driver and the SDKs.
COMMANDS = {
    "migrate": "migrate",
    "run": "run",
    "sweep": "sweep",
    "enqueue": "rows",
    "process": "process",
    "status": "status",
    "list": "rows",
    "show": "rows",
    "retry": "retry",
    "demo": "demo",
}


class LazyGroup(click.Group):
    """Finds its commands in the modules of :data:`COMMANDS`, in that order."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's shape
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{COMMANDS[cmd_name]}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings come from environment variables; the README lists them. Exit codes: 0 done, "
    "1 it ran and the answer is bad, 2 usage or settings, 69 database unreachable, "
    "70 the worker found itself stuck.",
)
@click.version_option(__version__, package_name="storyboard-worker")
def cli() -> None:
    """Copies generated storyboard images to Cloudinary before their signed URLs die.

    Rows of the table `storyboards` are the jobs: a web app inserts them, `run` works them
    off, `sweep` (from cron) picks up what was left behind.

    \b
    First steps:
      storyboard-worker demo        the whole job on this machine, nothing to set up
      storyboard-worker migrate     create the tables in DATABASE_URL
      storyboard-worker run         start the worker
      storyboard-worker status      how much waits, who works
    """


def main() -> None:
    """Run a command; each kind of error becomes one line and its exit code."""
    try:
        cli(prog_name="storyboard-worker")
    except SettingsError as error:
        _end(error, Exit.USAGE)
    except DatabaseUnavailable as error:
        _end(
            f"the database is unreachable: {error} (check DATABASE_URL)", Exit.DATABASE_UNREACHABLE
        )
    except SchemaOutdated as error:
        _end(error, Exit.BAD_ANSWER)


def _end(message: object, code: Exit) -> None:
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)
