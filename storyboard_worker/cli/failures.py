"""``failures``."""

from dataclasses import asdict
from datetime import timedelta

import click

from storyboard_worker.cli.arguments import ProjectId, TimeSpan
from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.output import ago, print_json, print_table, remark
from storyboard_worker.queries.failures import Cause
from storyboard_worker.queries.rows import FailedFilter


@click.command(
    "failures",
    epilog="""\b
Examples:
  storyboard-worker failures
  storyboard-worker failures --since 2h --project pilot
  storyboard-worker failures --json | jq -r '.[] | [.count, .error_code, .host] | @tsv'""",
)
@click.option(
    "--since", type=TimeSpan(), help="Only what failed within this time, like 30m, 2h or 1d."
)
@click.option("--project", type=ProjectId(), help="Only rows of this project_id.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of causes.")
def failures_command(*, since: timedelta | None, project: str | None, as_json: bool) -> None:
    """Failed rows grouped by error code and host of the source, the latest cause first.

    Each has its newest row as a sample, with the Sentry event of that row.
    """
    with assembled() as parts:
        which = FailedFilter(since=since, project_id=project)
        causes = parts.looking(lambda: parts.failures.by_cause(which))
    if as_json:
        print_json([asdict(cause) for cause in causes])
        return
    if not causes:
        remark("nothing has failed")
        return
    headings = ["count", "error", "host", "first", "last", "sample", "Sentry event"]
    print_table(headings, map(_cells, causes))
    latest = causes[0]
    remark(f"look: storyboard-worker show {latest.sample_id}")
    retry = f"storyboard-worker retry --error-code {latest.error_code} --dry-run"
    remark(f"when fixed: {retry}")


def _cells(cause: Cause) -> list[object]:
    return [
        cause.count,
        cause.error_code,
        cause.host,
        f"{ago(cause.first)} ago",
        f"{ago(cause.last)} ago",
        cause.sample_id,
        cause.sentry_event_id,
    ]
