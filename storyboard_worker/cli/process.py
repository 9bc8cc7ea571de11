"""``process``."""

import sys
from uuid import UUID

import click

from storyboard_worker.attempt import Outcome
from storyboard_worker.cli.assembly import Assembly, assembled
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import print_json
from storyboard_worker.deadline import Deadline
from storyboard_worker.keeper import Keeper
from storyboard_worker.models import Claim, Status
from storyboard_worker.queries.rows import FailedFilter

BEATS_PER_LEASE = 3


@click.command("process")
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
        if row["status"] == Status.READY:
            _say("it is ready already")
        else:
            _attempt(parts, storyboard_id)
        row = parts.rows.get(storyboard_id)
    _finish(storyboard_id, row, as_json=as_json)


def _attempt(parts: Assembly, storyboard_id: UUID) -> None:
    if parts.rows.retry(FailedFilter(ids=[storyboard_id])):
        _say("it had failed: starting afresh")
    claim = parts.queue.claim_one(storyboard_id)
    if claim is None:
        _say("it is held by somebody else this moment")
        return
    _say(f"claimed, attempt {claim.attempt} of {claim.max_attempts}")
    ended = _run(parts, claim)
    if ended is Outcome.LEASE_LOST:
        _say("the row was taken away meanwhile; the result is dropped")


def _run(parts: Assembly, claim: Claim) -> Outcome:
    settings = parts.settings
    deadline = Deadline(settings.attempt_timeout_seconds)

    def renew() -> None:
        if parts.queue.renew([claim]):
            deadline.cancel()

    keeper = Keeper([renew], interval_seconds=settings.lease_seconds / BEATS_PER_LEASE)
    keeper.start()
    try:
        return parts.attempts.run(claim, deadline, announce=_say).outcome
    except KeyboardInterrupt:
        deadline.cancel()
        parts.queue.give_back([claim])
        raise
    finally:
        keeper.stop()


def _say(step: str) -> None:
    click.echo(f"· {step}", err=True)


def _finish(storyboard_id: UUID, row: dict[str, object] | None, *, as_json: bool) -> None:
    if row is None:
        raise click.ClickException(f"storyboard {storyboard_id} was deleted meanwhile")
    ready = row["status"] == Status.READY
    if as_json:
        print_json({key: row[key] for key in ("id", "status", "cdn_url", "error_code")})
    elif ready:
        click.echo(row["cdn_url"])
    else:
        reason = f"{row['error_code']}: {row['error_message']}" if row["error_code"] else "no error"
        click.echo(f"{row['status']} ({reason})")
    sys.exit(Exit.DONE if ready else Exit.BAD_ANSWER)
