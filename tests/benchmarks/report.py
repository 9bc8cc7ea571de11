"""The results of a workload, and the files that they are written to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.charts import Chart
from tests.benchmarks.plots import draw
from tests.benchmarks.tables import Table


@dataclass(frozen=True)
class Report:
    """``figures`` are the raw figures, dataclasses, of every round and contestant."""

    table: Table
    figures: Mapping[str, Sequence[Any]]
    charts: Sequence[Chart] = ()


class Results:
    """Written anew after each workload, so that a run that breaks off leaves what it has."""

    def __init__(self, folder: Path, *, with_plots: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._with_plots = with_plots
        self._tables: list[str] = []
        self._figures: dict[str, Any] = {}

    def add(self, workload: str, reports: Sequence[Report]) -> None:
        self._tables += [report.table.markdown() for report in reports]
        self._figures[workload] = {report.table.title: _raw(report) for report in reports}
        self._write("results.md", "\n".join(self._tables))
        self._write("results.json", json.dumps(self._figures, indent=1))
        if self._with_plots:
            draw([chart for report in reports for chart in report.charts], self._folder)

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text, encoding="utf-8")


def _raw(report: Report) -> dict[str, list[dict[str, Any]]]:
    return {who: [asdict(row) for row in rows] for who, rows in report.figures.items()}
