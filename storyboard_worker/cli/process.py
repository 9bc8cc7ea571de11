"""``process``."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any, NoReturn, Self
from uuid import UUID

import click
from rich.console import Console

from storyboard_worker.attempt import Outcome
from storyboard_worker.cli.assembly import Assembly, assembled
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import ago, duration, print_json
from storyboard_worker.deadline import Deadline
from storyboard_worker.keeper import RENEWALS_PER_LEASE, Keeper
from storyboard_worker.models import Claim, Status
from storyboard_worker.queries.rows import FailedFilter

LOOK_SECONDS = 0.2

Row = dict[str, Any]


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
        row = parts.rows.get(storyboard_id)
        if row is None:
            raise click.ClickException(f"there is no storyboard {storyboard_id}")
        with Steps() as steps, _sigterm_as_interrupt():
            if row["status"] == Status.READY:
                steps.say("it is ready already")
            else:
                _attempt(parts, row, steps)
        row = parts.rows.get(storyboard_id)
    _finish(storyboard_id, row, as_json=as_json)


class Steps:
    """Each step is a line on stderr; on a terminal a last line moves until the next."""

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
        click.echo(f"{time.monotonic() - self._started:6.2f} s  {step}", err=True)


def _attempt(parts: Assembly, row: Row, steps: Steps) -> None:
    if row["status"] == Status.PROCESSING and parts.housekeeping.rescue().rescued:
        steps.say("a worker had died over it: rescued")
    afresh = bool(parts.rows.retry(FailedFilter(ids=[row["id"]])))
    if afresh:
        steps.say("it had failed: starting afresh")
    claim = parts.queue.claim_one(row["id"])
    if claim is None and afresh:
        steps.say("a worker was quicker: waiting for what becomes of it")
        _wait_for_worker(parts, row["id"])
        return
    if claim is None:
        steps.say("it is held by somebody else this moment: left alone")
        return
    steps.say(f"claimed, attempt {claim.attempt} of {claim.max_attempts}")
    outcome = _run(parts, claim, steps)
    if outcome is Outcome.LEASE_LOST:
        steps.say("the row was taken away meanwhile; the result is dropped")


def _wait_for_worker(parts: Assembly, storyboard_id: UUID) -> None:
    ends_at = time.monotonic() + parts.settings.attempt_timeout_seconds
    while time.monotonic() < ends_at:
        row = parts.rows.get(storyboard_id)
        # Put back it had neither: whatever comes of the attempt gives it one of them.
        if row is None or row["finished_at"] or row["error_code"]:
            return
        time.sleep(LOOK_SECONDS)


def _run(parts: Assembly, claim: Claim, steps: Steps) -> Outcome:
    settings = parts.settings
    deadline = Deadline(settings.attempt_timeout_seconds)

    def renew() -> None:
        if parts.queue.renew([claim]):
            deadline.cancel()

    keeper = Keeper([renew], interval_seconds=settings.lease_seconds / RENEWALS_PER_LEASE)
    keeper.start()
    try:
        return parts.attempts.run(claim, deadline, announce=steps.say).outcome
    except KeyboardInterrupt:
        deadline.cancel()
        if parts.queue.give_back([claim]):
            steps.say("interrupted: the row is given back, the attempt does not count")
        raise
    finally:
        keeper.stop()


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """While inside, SIGTERM is a Ctrl-C: the row goes back either way."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise KeyboardInterrupt


def _finish(storyboard_id: UUID, row: Row | None, *, as_json: bool) -> None:
    if row is None:
        raise click.ClickException(f"storyboard {storyboard_id} was deleted meanwhile")
    if as_json:
        print_json({key: row[key] for key in ("id", "status", "cdn_url", "error_code")})
    else:
        click.echo(_in_words(row))
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
