"""``enqueue``, ``list`` and ``show``."""

import sys
from typing import Any, TextIO
from urllib.parse import urlsplit
from uuid import UUID

import click

from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.output import ago, print_json, print_table, shown_row
from storyboard_worker.errors import ErrorCode
from storyboard_worker.models import Status

ERROR_CODES = click.Choice([str(code) for code in ErrorCode])


@click.command("enqueue")
@click.argument("urls", metavar="URL...", nargs=-1)
@click.option("--project", help="The project_id of the new rows.")
@click.option(
    "--file",
    "url_list",
    type=click.File(encoding="utf-8"),
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
        _check_url(url, place)
    with assembled() as parts:
        ids = parts.rows.enqueue([url for url, _ in wanted], project_id=project)
    if as_json:
        print_json({"ids": ids})
    else:
        click.echo("\n".join(str(id_) for id_ in ids))


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


def _check_url(url: str, place: str) -> None:
    """Raises a usage error for what the table, or the worker, would refuse anyway."""
    try:
        parsed = urlsplit(url)
        good = parsed.scheme in {"http", "https"} and bool(parsed.hostname)
        _ = parsed.port
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in url):
        raise click.UsageError(f"{place} is not an http(s) URL: {url[:80]!r}")


@click.command("list")
@click.option("--status", type=click.Choice([str(status) for status in Status]))
@click.option("--error-code", type=ERROR_CODES, help="Only rows whose last error was this.")
@click.option("--project", help="Only rows of this project_id.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print an array of rows.")
def list_command(
    *, status: str | None, error_code: str | None, project: str | None, limit: int, as_json: bool
) -> None:
    """The newest rows; signed URLs are shown without their query."""
    with assembled() as parts:
        found = parts.rows.newest(
            status=Status(status) if status else None,
            error_code=error_code,
            project_id=project,
            limit=limit,
        )
    if as_json:
        print_json([shown_row(row) for row in found])
        return
    print_table(
        ["id", "project", "status", "attempts", "age", "error", "image"], map(_cells, found)
    )
    if len(found) == limit:
        click.echo(f"(the newest {limit}; more with --limit)", err=True)


def _cells(row: dict[str, Any]) -> list[object]:
    shown = shown_row(row)
    return [
        row["id"],
        row["project_id"],
        row["status"],
        row["attempts"],
        ago(row["created_at"]),
        row["error_code"],
        row["cdn_url"] or shown["source_url"],
    ]


@click.command("show")
@click.argument("storyboard_id", metavar="ID", type=click.UUID)
@click.option("--reveal", is_flag=True, help="Show the signed URL whole: it is a secret.")
@click.option("--json", "as_json", is_flag=True, help="Print the row as JSON.")
def show_command(storyboard_id: UUID, *, reveal: bool, as_json: bool) -> None:
    """Everything about one row."""
    with assembled() as parts:
        row = parts.rows.get(storyboard_id)
    if row is None:
        raise click.ClickException(f"there is no storyboard {storyboard_id}")
    shown = shown_row(row, reveal=reveal)
    if as_json:
        print_json(shown)
    else:
        print_table(["column", "value"], ((k, v) for k, v in shown.items() if v is not None))
    sys.stdout.flush()
