"""Tables as Markdown, with the target beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """``rows`` are cells, the contestant first. ``notes`` are printed below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        lines += [_line(["", *self.columns]), _line(["---", *("---:" for _ in self.columns)])]
        lines += [_line(row) for row in self.rows]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines) + "\n"


def figure(value: float | None, reach: str = "") -> str:
    """A number with about three digits. ``reach`` is the target, like ``≥ 3.5``."""
    if value is None:
        return NOTHING
    return f"{_rounded(value)} (reach {reach})" if reach else _rounded(value)


def ratio(value: float | None, reference: float | None, reach: str = "") -> str:
    if value is None or not reference:
        return NOTHING
    return figure(value / reference, reach)


def without_empty_columns(
    columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, without those that hold no figure."""
    kept = [n for n in range(len(columns)) if any(row[n + 1] != NOTHING for row in rows)]
    return [columns[n] for n in kept], [[row[0], *(row[n + 1] for n in kept)] for row in rows]


def _rounded(value: float) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
