"""Logs: one line for each thing that happens; to read on a terminal, JSON elsewhere.

Call sites pass an event in words and its facts as ``extra={"facts": {...}}`` through
:func:`event`. Whatever is logged, by us or by a library, passes the redactor.
"""

import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

from storyboard_worker.redaction.foreign_text import for_terminal, json_text
from storyboard_worker.redaction.redactor import Redactor

LogFormat = Literal["console", "json"]

log = logging.getLogger("storyboard_worker")


def event(level: int, message: str, **facts: Any) -> None:
    """Log ``message`` with ``facts`` (those that are ``None`` are left out)."""
    shown = {name: value for name, value in facts.items() if value is not None}
    log.log(level, message, extra={"facts": shown})


# Nothing that is written says which thread, process or line of ours logged it, and to find that
# out costs more than the rest of a log line
# (https://docs.python.org/3/howto/logging.html#optimization).
logging.logThreads = False
logging.logProcesses = False
logging.logMultiprocessing = False
logging._srcfile = None  # noqa: SLF001  documented so


def set_up(log_format: LogFormat | None, redactor: Redactor) -> None:
    """Send logs to stderr; without ``log_format``, by whether stderr is a terminal."""
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
    # Its warnings tell of each try of the SDKs; what comes of them is told by us.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    # The SDK brings a handler of its own; its records would come out twice.
    logging.getLogger("Cloudinary").handlers = []


class StderrHandler(logging.Handler):
    """Writes to what ``sys.stderr`` is at that moment: a live display may stand before it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001  whoever logs must not suffer from it
            # Not handleError(): it would print message and arguments as they are.
            with suppress(OSError, ValueError):
                sys.stderr.write(f"a log line of {record.name} could not be written\n")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, as log collectors read it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        for name, value in getattr(record, "facts", {}).items():
            line[name] = _plain(value)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json_text(self._redactor.structure(line))


class ConsoleFormatter(logging.Formatter):
    """Time, level where it matters, the event, then its facts."""

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
            # Cleaned before it is split: what is secret may have a line break in it.
            stack = self._redactor.text(self.formatException(record.exc_info))
            lines += stack.split("\n")
        return "\n".join(for_terminal(self._redactor.text(line)) for line in lines)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return value if isinstance(value, int | str | bool | list | dict) else str(value)
