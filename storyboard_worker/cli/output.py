"""Results on stdout: tables for people, JSON for programs; progress and remarks on stderr.

All output of the commands passes here, so that text from outside cannot control a terminal.
"""

import codecs
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.redaction.foreign_text import for_terminal, json_text
from storyboard_worker.redaction.redactor import without_query

GAP = "  "
INDENT = "  "


def print_line(text: str = "") -> None:
    """A line of the result."""
    click.echo(for_terminal(text))


def print_marked(mark: str, colour: str, text: str) -> None:
    """The same, after a coloured mark."""
    click.echo(f"{click.style(mark, fg=colour)} {for_terminal(text)}")


def print_text(text: str) -> None:
    """Several lines of our own text, which is not escaped."""
    click.echo(text)


def remark(text: str) -> None:
    """A line on stderr: progress, hints, errors."""
    click.echo(for_terminal(text), err=True)


def print_json(value: object) -> None:
    """One line. Where stdout is not UTF-8, only ASCII is printed, the rest as escapes."""
    carries_all = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    click.echo(json_text(value, default=_plain, ascii_only=not carries_all))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def shown_row(row: dict[str, Any], *, reveal: bool = False) -> dict[str, Any]:
    """A row as it may be shown: the signed URL without its query unless ``reveal``."""
    url = row["source_url"]
    return {**row, "source_url": url if reveal else without_query(url)}


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns side by side, within the width of a terminal; elsewhere of any width."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    heading, *body = table_lines([headings, *rows], width)
    click.secho(heading, bold=True)
    for line in body:
        click.echo(line)


def table_lines(rows: Iterable[Sequence[object]], width: int | None) -> list[str]:
    """``rows`` as lines of text.

    Cells that go beyond ``width`` stand below their row, indented: an address is never
    broken up, so that it can be copied.
    """
    texts = [[for_terminal("" if cell is None else str(cell)) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*texts, strict=True)]
    return [_line(row, widths, width) for row in texts]


def _line(cells: Sequence[str], widths: Sequence[int], limit: int | None) -> str:
    line, below = "", [""]
    for cell, width in zip(cells, widths, strict=True):
        if below != [""] or not _fits(line + cell, limit):
            _append(below, cell, limit)
        else:
            line += cell + " " * (width - cell_len(cell)) + GAP
    return "\n".join(part.rstrip() for part in [line, *below] if part)


def _append(below: list[str], cell: str, limit: int | None) -> None:
    fits = _fits(f"{below[-1]}{GAP}{cell}", limit)
    # A cell that is too long for a line of its own is added to this one.
    if cell and below[-1] and (fits or not _fits(INDENT + cell, limit)):
        below[-1] += f"{GAP}{cell}"
    elif cell:
        below.append(INDENT + cell)


def _fits(text: str, limit: int | None) -> bool:
    return limit is None or cell_len(text) <= limit


def waiting_for_database(error: DatabaseUnavailable) -> None:
    """On a terminal, say why nothing happens while the command tries again."""
    if sys.stderr.isatty():
        remark(f"waiting for the database: {error}")


def ago(moment: datetime | None) -> str:
    """How long ago by this machine's clock, in one unit, for people to read."""
    if moment is None:
        return ""
    return duration((datetime.now(UTC) - moment).total_seconds())


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    for limit, size, unit in ((1, 1, "s"), (120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if abs(seconds) < limit:
            return f"{seconds:.1f} s" if limit == 1 else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
