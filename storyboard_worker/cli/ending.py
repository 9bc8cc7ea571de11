"""How errors end a process: one line on stderr, and an exit code."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import remark
from storyboard_worker.errors import (
    DatabaseUnavailable,
    DataRefused,
    SchemaOutdated,
    SettingsError,
)
from storyboard_worker.logs import log, set_up
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.resources.exhaustion import exhaustion_in

PROGRAM = "storyboard-worker"


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Each kind of error becomes one line and :class:`SystemExit` with its exit code."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(Exit.USAGE)
    except click.ClickException as error:
        _end(_in_one_line(error), Exit(error.exit_code))
    except SettingsError as error:
        _end(error, Exit.USAGE)
    except DatabaseUnavailable as error:
        _end(
            f"the database is unreachable or refuses: {error} (look at DATABASE_URL)",
            Exit.DATABASE_UNREACHABLE,
        )
    except (DataRefused, SchemaOutdated) as error:
        refused = "the database refuses a value: " if isinstance(error, DataRefused) else ""
        _end(f"{refused}{error}", Exit.BAD_ANSWER)
    except click.Abort:
        _end("interrupted", Exit.BAD_ANSWER)
    except Exception as error:  # noqa: BLE001  the border of the process
        _end(_unexpected(error), Exit.BAD_ANSWER)


def exit_code_of(work: Callable[[], object]) -> int:
    """Do ``work`` as a whole process does, which ends with this code."""
    try:
        with errors_in_one_line():
            work()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.BAD_ANSWER
    return Exit.DONE


def _unexpected(error: Exception) -> str:
    lack = exhaustion_in(error)
    if lack is not None:
        return f"{lack.message}: see `{PROGRAM} doctor`"
    # The log's redactor keeps signed URLs and secrets out of the stack. The command may have failed
    # before it set the log up.
    if not logging.getLogger().handlers:
        set_up(None, Redactor())
    log.error("unexpected error", exc_info=error)
    return f"unexpected {type(error).__name__}; see its stack above"


def _in_one_line(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return message
    return f"{message.removesuffix('.')} (see `{context.command_path} --help`)"


def _end(message: object, code: Exit) -> NoReturn:
    # The message repeats arguments, and one of them may be a signed URL.
    remark(f"Error: {Redactor().text(str(message))}")
    sys.exit(code)
