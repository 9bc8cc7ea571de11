"""Logs one line for each event: readable text on a terminal, JSON elsewhere.

Callers give :func:`event` a message and its facts. Every line, also of a library, passes the
redactor.
"""

import logging
import math
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from storyboard_worker.redaction.foreign_text import for_terminal, json_string, json_text
from storyboard_worker.redaction.redactor import Redactor

LogFormat = Literal["console", "json"]

log = logging.getLogger("storyboard_worker")

# Messages and hosts are few and short. What the redactor makes of them is kept.
TEXTS_KEPT = 256
SHORT_CHARACTERS = 64


def event(level: int, message: str, **facts: Any) -> None:
    """Log ``message`` with its ``facts``. Those that are ``None`` are left out."""
    if log.isEnabledFor(level):
        shown = {name: value for name, value in facts.items() if value is not None}
        log.handle(_record(level, message, shown))


# What a record says of its place in the code, which no line shows.
_BLANK = vars(logging.LogRecord(log.name, logging.INFO, "", 0, "", (), None))


def _record(level: int, message: str, facts: dict[str, Any]) -> logging.LogRecord:
    """The record that :meth:`logging.Logger.log` would make in four times the time."""
    record = logging.LogRecord.__new__(logging.LogRecord)
    vars(record).update(
        _BLANK,
        levelno=level,
        levelname=logging.getLevelName(level),
        msg=message,
        created=time.time(),
        facts=facts,
    )
    return record


class _OnlyLogged:
    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if not isinstance(error, Exception):
            return False
        log.error("%s broke", self._what, exc_info=error)
        return True


def only_logged(what: str) -> AbstractContextManager[None]:
    """Wraps what merely tells of work that is done. The work goes on after an error there."""
    return _OnlyLogged(what)


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
        self._cleaned = lru_cache(TEXTS_KEPT)(redactor.text)

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level, message = record.levelname.lower(), self._text(record.getMessage())
        members = [f'"time": "{moment}", "level": "{level}", "message": {message}']
        for name, value in getattr(record, "facts", {}).items():
            members.append(f'"{name}": {self._shown(value)}')
        if record.exc_info:
            members.append(f'"exception": {self._text(self.formatException(record.exc_info))}')
        return f"{{{', '.join(members)}}}"

    def _text(self, text: str) -> str:
        return json_string(
            self._cleaned(text) if len(text) <= SHORT_CHARACTERS else self._redactor.text(text)
        )

    def _shown(self, value: Any) -> str:
        """``value`` in JSON. Numbers and ids hold no secret, so none is looked for."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is int:
            return str(value)
        if kind is float and math.isfinite(value):
            return repr(round(value, 3))
        if kind is UUID:
            return f'"{value}"'
        return json_text(self._redactor.structure(_plain(value)))


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
