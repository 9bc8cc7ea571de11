"""Standard streams that may be closed, or lead to a full disk or to a reader that has gone.

A result that cannot be written ends the command with one line about it. What goes to stderr is
lost instead: a log that cannot be written must not stop the work that it tells of.
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
    """stdout. A reader that has gone away is left to click, which then ends quietly."""

    _is_lost = False

    def write(self, data: Any, /) -> int:
        if self._is_lost:
            # What the buffer still holds at the end of the process: its loss has been told.
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
    """stderr, as far as it takes what is written."""

    def write(self, data: Any, /) -> int:
        try:
            written: int | None = super().write(data)
        except OSError:
            written = None
        # None also of one that does not block, and is full.
        return memoryview(data).nbytes if written is None else written


def take_standard_streams() -> None:
    """Replaces the three; to be called before anything is opened.

    The number of one that is closed would be given to the next socket, and what is meant for
    stderr would go to the database. So it is taken. In order: the lowest free number is given.
    """
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(os.open(os.devnull, os.O_RDONLY)))
    if sys.stdout is None:
        # Not for writing: that a result is lost must be told.
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
        # A terminal that lacks a character must not cost the result.
        errors="backslashreplace",
        line_buffering=like is not None and like.line_buffering,
        write_through=like is not None and like.write_through,
    )
