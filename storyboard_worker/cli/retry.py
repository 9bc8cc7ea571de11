"""``retry``."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypedDict, Unpack
from uuid import UUID

import click

from storyboard_worker.cli.arguments import ERROR_CODES, ProjectId, TimeSpan
from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import print_json, print_line, remark
from storyboard_worker.lengths import MAX_URL_BYTES, has_overlong_host, size_bytes
from storyboard_worker.queries.rows import FailedFilter
from storyboard_worker.storyboard import Status


class Chosen(TypedDict):
    """Which rows: ids, an error code or all, narrowed down by time and project."""

    ids: tuple[UUID, ...]
    error_code: str | None
    all_failed: bool
    since: timedelta | None
    project: str | None


@click.command(
    "retry",
    epilog="""\b
Examples:
  storyboard-worker retry 5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a
  storyboard-worker retry --error-code source_timeout --since 2h
  storyboard-worker retry --all-failed --project pilot --dry-run""",
)
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID)
@click.option(
    "--error-code",
    type=ERROR_CODES,
    metavar="CODE",
    help="All rows that failed with this, like source_timeout.",
)
@click.option("--all-failed", is_flag=True, help="All failed rows.")
@click.option(
    "--since", type=TimeSpan(), help="Only what failed within this time, like 30m, 2h or 1d."
)
@click.option("--project", type=ProjectId(), help="Only rows of this project_id.")
@click.option("--dry-run", is_flag=True, help="Only say which, and how many of each cause.")
@click.option("--json", "as_json", is_flag=True, help='Print {"retried": N, "ids": [...]}.')
def retry_command(*, dry_run: bool, as_json: bool, **chosen: Unpack[Chosen]) -> None:
    """Put failed rows back: pending, with all their attempts, due at once.

    Say which: by id, by --error-code, or --all-failed; --since and --project narrow it down.
    Exit 1 if a row named by its id was not put back.
    """
    which = _filter(chosen)
    with assembled() as parts:
        insist = parts.looking if dry_run else parts.changing
        causes = insist(lambda: parts.failures.by_cause(which)) if dry_run else []
        if dry_run:
            found = insist(lambda: parts.rows.failed(which))
        else:
            found = parts.rows.retry(which, insist)
        left = [id_ for id_ in dict.fromkeys(chosen["ids"]) if id_ not in set(found)]
        reasons = [_why_not(id_, insist(partial(parts.rows.get, id_))) for id_ in left]
    _print(found, dry_run=dry_run, as_json=as_json)
    for cause in causes if not as_json else []:
        remark(f"{cause.count} {cause.error_code} at {cause.host}")
    for reason in reasons:
        remark(f"Error: {reason}")
    sys.exit(Exit.BAD_ANSWER if reasons else Exit.DONE)


def _filter(chosen: Chosen) -> FailedFilter:
    ids, error_code = chosen["ids"], chosen["error_code"]
    if sum([bool(ids), error_code is not None, chosen["all_failed"]]) != 1:
        raise click.UsageError("say which: ID..., or --error-code CODE, or --all-failed")
    return FailedFilter(
        ids=list(ids) or None,
        error_code=error_code,
        since=chosen["since"],
        project_id=chosen["project"],
    )


def _why_not(storyboard_id: UUID, row: dict[str, Any] | None) -> str:
    if row is None:
        return f"there is no storyboard {storyboard_id}"
    reason = f"it is {row['status']}"
    url = row["source_url"]
    if row["status"] == Status.FAILED and (
        size_bytes(url) > MAX_URL_BYTES or has_overlong_host(url)
    ):
        reason = "its source_url is too long to be tried again; update it to another"
    elif row["status"] == Status.FAILED:
        reason = "--since or --project leaves it out"
    return f"storyboard {storyboard_id} was not put back: {reason}"


def _print(found: Sequence[UUID], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"retried": len(found), "ids": list(found)})
        return
    for id_ in found:
        print_line(str(id_))
    verb = "would be put back" if dry_run else "put back"
    remark(f"{len(found)} {verb}")
