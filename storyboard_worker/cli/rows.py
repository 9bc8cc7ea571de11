"""``enqueue``, ``list`` and ``show``."""

from typing import Any, TextIO
from uuid import UUID, uuid4

import click

from storyboard_worker.cli.arguments import ERROR_CODES, ROWS, ProjectId, check_url
from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.output import ago, print_json, print_line, print_table, remark, shown_row
from storyboard_worker.storyboard import Status, TraceHeaders


@click.command(
    "enqueue",
    epilog="""\b
Examples:
  storyboard-worker enqueue 'https://images.example/panel.jpeg?X-Tos-Date=…'
  storyboard-worker enqueue --project pilot --file urls.txt
  psql -Atc 'SELECT url FROM images' | storyboard-worker enqueue --file -""",
)
@click.argument("urls", metavar="[URL]...", nargs=-1)
@click.option("--project", type=ProjectId(), help="The project_id of the new rows.")
@click.option(
    "--file",
    "url_list",
    # «-sig»: some editors write a byte order mark first.
    type=click.File(encoding="utf-8-sig"),
    metavar="LIST",
    help="Read more URLs from here, one a line (- for standard input; # begins a comment).",
)
@click.option("--json", "as_json", is_flag=True, help='Print {"ids": [...]}.')
def enqueue_command(
    urls: tuple[str, ...], *, project: str | None, url_list: TextIO | None, as_json: bool
) -> None:
    """Add a row for each URL, all or none, and print their ids.

    A web app does the same with a plain INSERT into storyboards (source_url).
    """
    wanted = [(url, f"URL {number}") for number, url in enumerate(urls, 1)]
    wanted += [] if url_list is None else _lines(url_list)
    if not wanted:
        raise click.UsageError("no URL given: name some, or --file LIST")
    for url, place in wanted:
        check_url(url, place)
    with assembled() as parts, parts.reporter.publishing(len(wanted)) as trace:
        # Ids are made here, so that a statement that is sent again inserts nothing twice.
        new_ids = [uuid4() for _ in wanted]
        ids = parts.changing(
            lambda: parts.rows.enqueue(
                [url for url, _ in wanted],
                ids=new_ids,
                project_id=project,
                trace=TraceHeaders(trace.sentry_trace, trace.baggage),
            )
        )
    if as_json:
        print_json({"ids": ids})
    else:
        for id_ in ids:
            print_line(str(id_))


def _lines(url_list: TextIO) -> list[tuple[str, str]]:
    try:
        lines = url_list.read().splitlines()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"--file is not UTF-8 text: {error.reason}") from error
    return [
        (line.strip(), f"line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.strip().startswith("#")
    ]


@click.command(
    "list",
    epilog="""\b
Examples:
  storyboard-worker list --status failed
  storyboard-worker list --project pilot --json | jq -r '.[].cdn_url'""",
)
@click.option(
    "--status",
    type=click.Choice([str(status) for status in Status]),
    help="Only rows in this state.",
)
@click.option(
    "--error-code",
    type=ERROR_CODES,
    metavar="CODE",
    help="Only rows whose last error was this, like source_expired.",
)
@click.option("--project", type=ProjectId(), help="Only rows of this project_id.")
@click.option("--limit", type=ROWS, metavar="N", default=50, show_default=True, help="At most N.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of rows.")
def list_command(
    *, status: str | None, error_code: str | None, project: str | None, limit: int, as_json: bool
) -> None:
    """The newest rows; signed URLs are shown without their query."""
    with assembled() as parts:
        found = parts.looking(
            lambda: parts.rows.newest(
                status=Status(status) if status else None,
                error_code=error_code,
                project_id=project,
                limit=limit,
            )
        )
    if as_json:
        print_json([shown_row(row) for row in found])
        return
    headings = ["id", "status", "attempts", "age", "error", "project", "image"]
    print_table(headings, map(_cells, found))
    if len(found) == limit:
        remark(f"(the newest {limit}; more with --limit)")


def _cells(row: dict[str, Any]) -> list[object]:
    return [
        row["id"],
        row["status"],
        row["attempts"],
        ago(row["created_at"]),
        row["error_code"],
        row["project_id"],
        row["cdn_url"] or shown_row(row)["source_url"],
    ]


@click.command(
    "show",
    epilog="""\b
Examples:
  storyboard-worker show 5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a
  storyboard-worker show 5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a --reveal""",
)
@click.argument("storyboard_id", metavar="ID", type=click.UUID)
@click.option(
    "--reveal", is_flag=True, help="Show the signed URL with its query, which is a secret."
)
@click.option("--json", "as_json", is_flag=True, help="Print the row as JSON.")
def show_command(storyboard_id: UUID, *, reveal: bool, as_json: bool) -> None:
    """Everything about one row."""
    with assembled() as parts:
        row = parts.looking(lambda: parts.rows.get(storyboard_id))
    if row is None:
        raise click.ClickException(f"there is no storyboard {storyboard_id}")
    shown = shown_row(row, reveal=reveal)
    if as_json:
        print_json(shown)
    else:
        print_table(["column", "value"], ((k, v) for k, v in shown.items() if v is not None))
