"""Results on stdout: tables for people, JSON for programs; progress and remarks on stderr."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from storyboard_worker.redaction import without_query

# Where nobody's window sets a width, a table must not be cut.
PIPED_WIDTH = 240


def print_json(value: object) -> None:
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def shown_row(row: dict[str, Any], *, reveal: bool = False) -> dict[str, Any]:
    """A row as it may be shown: the signed URL without its query unless ``reveal``."""
    url = row["source_url"]
    return {**row, "source_url": url if reveal else without_query(url)}


def print_table(headings: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for line in lines:
        table.add_row(*("" if cell is None else str(cell) for cell in line))
    console().print(table)


def console() -> Console:
    """stdout; as wide as it takes when nobody looks at it."""
    found = Console(highlight=False, markup=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, width=PIPED_WIDTH)


def ago(moment: datetime | None) -> str:
    """How long ago, in one unit: for people; by this machine's clock."""
    if moment is None:
        return ""
    return duration((datetime.now(UTC) - moment).total_seconds())


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    for limit, size, unit in ((1, 1, "s"), (120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if abs(seconds) < limit:
            return f"{seconds:.1f} s" if limit == 1 else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
