"""Charts as PNG files (extra ``bench``)."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.charts import Bars, Chart, Lines

WIDTH_INCHES = 8.0
HEIGHT_INCHES = 4.0


def can_draw() -> bool:
    return find_spec("matplotlib") is not None


def draw(charts: Iterable[Chart], folder: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  an extra, and slow to import

    for chart in charts:
        picture = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
        axes = picture.add_subplot()
        axes.set_title(chart.title)
        match chart:
            case Bars(unit=unit, values=values):
                bars = axes.barh(list(values), list(values.values()))
                axes.bar_label(bars, fmt="{:,.0f}", padding=3)
                axes.invert_yaxis()  # The first one is on top
                axes.set_xlabel(unit)
            case Lines(unit=unit, lines=lines):
                for line in lines:
                    axes.plot(line.x, line.y, label=line.name)
                axes.set_xlabel("seconds")
                axes.set_ylabel(unit)
                axes.set_ylim(bottom=0)
                axes.legend()
        picture.savefig(folder / f"{chart.file_name}.png")
