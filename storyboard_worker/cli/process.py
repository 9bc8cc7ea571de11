"""``process``."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn, Self
from uuid import UUID

import click
from rich.console import Console

from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import ago, duration, print_json, print_line, remark
from storyboard_worker.database.patience import Patience
from storyboard_worker.shutdown import SIGNALS
from storyboard_worker.storyboard import Status
from storyboard_worker.worker.one_row import Row


@click.command(
    "process",
    epilog="""\b
Examples:
  storyboard-worker process 5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a
  storyboard-worker process 5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a --json 2>/dev/null""",
)
@click.argument("storyboard_id", metavar="ID", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def process_command(storyboard_id: UUID, *, as_json: bool) -> None:
    """Process one row now, in the foreground, step by step.

    The row may wait for a later attempt or have failed (then it starts afresh); a row that
    a worker holds is left to it. Exit 1 if it does not become ready.
    """
    with assembled(uploads=True) as parts:
        row = parts.changing(lambda: parts.rows.get(storyboard_id))
        if row is None:
            raise click.ClickException(f"there is no storyboard {storyboard_id}")
        with Steps() as steps, _interruptible(parts.changing):
            parts.foreground(insist=parts.changing).process(row, steps.say)
        row = parts.changing(lambda: parts.rows.get(storyboard_id))
    _finish(storyboard_id, row, as_json=as_json)


class Steps:
    """Each step is a line on stderr; on a terminal a spinner turns until the next."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        screen = Console(stderr=True)
        self._waiting = screen.status("") if screen.is_terminal else None

    def __enter__(self) -> Self:
        if self._waiting is not None:
            self._waiting.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._waiting is not None:
            self._waiting.stop()

    def say(self, step: str) -> None:
        remark(f"{time.monotonic() - self._started:6.2f} s  {step}")


@contextmanager
def _interruptible(patience: Patience) -> Iterator[None]:
    """Inside, SIGTERM acts like Ctrl-C: both give the row back soon."""

    def interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        patience.give_up()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(storyboard_id: UUID, row: Row | None, *, as_json: bool) -> None:
    if row is None:
        raise click.ClickException(f"storyboard {storyboard_id} was deleted while it was processed")
    if as_json:
        print_json({key: row[key] for key in ("id", "status", "cdn_url", "error_code")})
    else:
        print_line(_in_words(row))
    sys.exit(Exit.DONE if row["status"] == Status.READY else Exit.BAD_ANSWER)


def _in_words(row: Row) -> str:
    error = f" ({row['error_code']}: {row['error_message']})" if row["error_code"] else ""
    match row["status"]:
        case Status.READY:
            return str(row["cdn_url"])
        case Status.PROCESSING:
            return f"processing: {row['claimed_by']} holds it since {ago(row['claimed_at'])}"
        case Status.PENDING:
            rest = max(0.0, (row["available_at"] - datetime.now(UTC)).total_seconds())
            return f"pending: the next attempt may start in {duration(rest)}{error}"
        case status:
            return f"{status}{error}"
