"""Logs one line for each event: readable text on a terminal, JSON elsewhere.

Callers give :func:`event` a message and its facts. Every line, also of a library, passes the
redactor.
"""

import logging
import math
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from storyboard_worker.redaction.foreign_text import for_terminal, json_text
from storyboard_worker.redaction.redactor import Redactor

LogFormat = Literal["console", "json"]

log = logging.getLogger("storyboard_worker")


def event(level: int, message: str, **facts: Any) -> None:
    """Log ``message`` with its ``facts``. Those that are ``None`` are left out."""
    shown = {name: value for name, value in facts.items() if value is not None}
    log.log(level, message, extra={"facts": shown})


@contextmanager
def only_logged(what: str) -> Iterator[None]:
    """Wraps what merely tells of work that is done. The work goes on after an error there."""
    try:
        yield
    except Exception:
        log.exception("%s broke", what)


class _Held(threading.local):
    lines: list[str] | None = None


_held = _Held()


@contextmanager
def in_one_write() -> Iterator[None]:
    """Inside, the lines of this thread are held, and written together at the end.

    Each write hands the interpreter to another thread, and waits to have it back.
    """
    if _held.lines is not None:
        yield
        return
    lines = _held.lines = []
    try:
        yield
    finally:
        _held.lines = None
        for together in _writes(lines):
            _write(together)


def _writes(lines: list[str]) -> Iterator[str]:
    """``lines`` joined to as few texts as are written undivided, though other processes write to
    the same pipe (pipe(7), PIPE_BUF)."""
    together, size_bytes = "", 0
    for line in lines:
        line_bytes = len(line.encode("utf-8", "replace"))
        if together and size_bytes + line_bytes > select.PIPE_BUF:
            yield together
            together, size_bytes = "", 0
        together += line
        size_bytes += line_bytes
    if together:
        yield together


def _write(lines: str) -> None:
    # A failed log line must not fail its caller, whatever stands in place of stderr.
    with suppress(Exception):
        sys.stderr.write(lines)
        sys.stderr.flush()


# No line says which thread, process or line of code logged it. To find that out would cost more
# than the rest of the line (https://docs.python.org/3/howto/logging.html#optimization).
logging.logThreads = False
logging.logProcesses = False
logging.logMultiprocessing = False
logging._srcfile = None  # noqa: SLF001  documented so


def set_up(log_format: LogFormat | None, redactor: Redactor) -> None:
    """Send logs to stderr. Without ``log_format`` it is ``console`` if stderr is a terminal."""
    if log_format is None:
        log_format = "console" if sys.stderr.isatty() else "json"
    handler = StderrHandler()
    formatter = ConsoleFormatter(redactor) if log_format == "console" else JsonFormatter(redactor)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)
    # Its INFO line holds the whole URL of every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # It warns of each try of the SDKs. The worker logs how they end.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    # The SDK has a handler of its own, so its records would appear twice.
    logging.getLogger("Cloudinary").handlers = []


class StderrHandler(logging.Handler):
    """Writes to the current ``sys.stderr``, which a live display may replace."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n"
        except Exception:  # noqa: BLE001  a failed log line must not fail its caller
            # Not handleError(), which would print message and arguments with their secrets.
            line = f"a log line of {record.name} could not be written\n"
        if _held.lines is None:
            _write(line)
        else:
            _held.lines.append(line)


class JsonFormatter(logging.Formatter):
    """One JSON object in each line, as log collectors read it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        clean = self._redactor.text
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": clean(record.getMessage()),
        }
        for name, value in getattr(record, "facts", {}).items():
            line[name] = self._shown(value)
        if record.exc_info:
            line["exception"] = clean(self.formatException(record.exc_info))
        return json_text(line)

    def _shown(self, value: Any) -> Any:
        """``value`` as JSON has it. Numbers and ids hold no secret, so none is looked for."""
        if isinstance(value, str):
            return self._redactor.text(value)
        if isinstance(value, int | float | UUID):
            return _plain(value)
        return self._redactor.structure(_plain(value))


class ConsoleFormatter(logging.Formatter):
    """The time, the level unless it is INFO, the message, then the facts."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        facts = getattr(record, "facts", {})
        shown = "".join(f"  {name}={_plain(value)}" for name, value in facts.items())
        lines = [f"{time} {level}{record.getMessage()}{shown}"]
        if record.exc_info:
            # Redacted before the split, because a secret may contain a line break.
            stack = self._redactor.text(self.formatException(record.exc_info))
            lines += stack.split("\n")
        return "\n".join(for_terminal(self._redactor.text(line)) for line in lines)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        # JSON has no infinity and no NaN (RFC 8259, section 6).
        return round(value, 3) if math.isfinite(value) else str(value)
    return value if isinstance(value, int | str | bool | list | dict) else str(value)
