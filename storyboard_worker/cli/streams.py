"""Standard streams that may be closed, or lead to a full disk or to a reader that has gone.

A result that cannot be written ends the command with one line about it. Text for stderr is dropped
instead: a log that cannot be written must not stop the work.
"""

import io
import os
import sys
from errno import EBADF
from typing import Any, TextIO

import click


class ResultLost(click.ClickException):
    """stdout does not take the result."""

    def __init__(self, error: OSError) -> None:
        reason = "it is closed" if error.errno == EBADF else error.strerror
        super().__init__(f"the result cannot be written to stdout: {reason}")


class ResultFile(io.FileIO):
    """stdout. click handles a reader that has gone away, and ends quietly."""

    _is_lost = False

    def write(self, data: Any, /) -> int:
        if self._is_lost:
            # The rest of the buffer at the end of the process; its loss was reported already.
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:
            self._is_lost = True
            raise
        except OSError as error:
            self._is_lost = True
            raise ResultLost(error) from error


class LogFile(io.FileIO):
    """stderr; what it does not accept is dropped."""

    def write(self, data: Any, /) -> int:
        try:
            written: int | None = super().write(data)
        except OSError:
            written = None
        # A full stream that does not block answers None as well.
        return memoryview(data).nbytes if written is None else written


def replace_standard_streams() -> None:
    """Replaces the three; to be called before anything is opened.

    The number of a closed stream would be given to the next socket, and text for stderr would go
    to the database. So a closed one is opened on the null device. The order matters: the system
    gives the lowest free number.
    """
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(os.open(os.devnull, os.O_RDONLY)))
    if sys.stdout is None:
        # Not for writing: a result then fails, and its loss is reported.
        sys.stdout = _text(ResultFile(os.open(os.devnull, os.O_RDONLY), "w"), None)
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _text(ResultFile(sys.stdout.fileno(), "w", closefd=False), sys.stdout)
    if sys.stderr is None:
        sys.stderr = _text(LogFile(os.open(os.devnull, os.O_WRONLY), "w"), None)
    elif isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _text(LogFile(sys.stderr.fileno(), "w", closefd=False), sys.stderr)


def _text(file: io.FileIO, like: io.TextIOWrapper | None) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding="utf-8" if like is None else like.encoding,
        # A character that the terminal lacks must not cost the result.
        errors="backslashreplace",
        line_buffering=like is not None and like.line_buffering,
        write_through=like is not None and like.write_through,
    )
