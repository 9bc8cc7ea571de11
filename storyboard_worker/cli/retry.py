"""``retry``."""

import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import click

from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import print_json
from storyboard_worker.cli.rows import ERROR_CODES
from storyboard_worker.queries.rows import FailedFilter

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=3650)


class TimeSpan(click.ParamType[timedelta]):
    """``30m``, ``2h``, ``1d``."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        match = re.fullmatch(r"(\d{1,6})([smhd])", str(value))
        if match is None:
            self.fail(f"{value!r} is not a time span like 30m, 2h or 1d", param, ctx)
        return min(timedelta(**{UNITS[match[2]]: int(match[1])}), LONGEST)


@click.command("retry")
@click.argument("ids", metavar="ID...", nargs=-1, type=click.UUID)
@click.option("--error-code", type=ERROR_CODES, help="All rows that failed with this.")
@click.option("--all-failed", is_flag=True, help="All failed rows.")
@click.option("--since", type=TimeSpan(), help="Only what failed within this time, like 2h.")
@click.option("--project", help="Only rows of this project_id.")
@click.option("--dry-run", is_flag=True, help="Only say which.")
@click.option("--json", "as_json", is_flag=True, help='Print {"retried": N, "ids": [...]}.')
def retry_command(
    ids: tuple[UUID, ...],
    *,
    error_code: str | None,
    all_failed: bool,
    since: timedelta | None,
    project: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put failed rows back: pending, with all their attempts, due at once.

    Say which: by id, by --error-code, or --all-failed; --since and --project narrow it down.
    """
    if sum([bool(ids), error_code is not None, all_failed]) != 1:
        raise click.UsageError("say which: ID..., or --error-code C, or --all-failed")
    which = FailedFilter(
        ids=list(ids) or None, error_code=error_code, since=since, project_id=project
    )
    with assembled() as parts:
        found = parts.rows.failed(which) if dry_run else parts.rows.retry(which)
        left = [id_ for id_ in ids if id_ not in set(found)]
        reasons = [_why_not(id_, parts.rows.get(id_)) for id_ in left]
    _print(found, dry_run=dry_run, as_json=as_json)
    for reason in reasons:
        click.echo(f"Error: {reason}", err=True)
    sys.exit(Exit.BAD_ANSWER if reasons else Exit.DONE)


def _why_not(storyboard_id: UUID, row: dict[str, Any] | None) -> str:
    if row is None:
        return f"there is no storyboard {storyboard_id}"
    return f"storyboard {storyboard_id} was not put back: it is {row['status']}"


def _print(found: Sequence[UUID], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"retried": len(found), "ids": list(found)})
        return
    for id_ in found:
        click.echo(str(id_))
    verb = "would be put back" if dry_run else "put back"
    click.echo(f"{len(found)} {verb}", err=True)
