"""The data of a chart, before it is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.benchmarks.measure import Copied
from tests.benchmarks.sampling import Sample
from tests.benchmarks.turns import sure_median


@dataclass(frozen=True)
class Line:
    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Lines:
    """A figure over time."""

    file_name: str
    title: str
    unit: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Bars:
    file_name: str
    title: str
    unit: str
    values: Mapping[str, float]


Chart = Lines | Bars


def copying_charts(
    name: str, title: str, found: Mapping[str, Sequence[Copied]], *, over_time: bool = True
) -> list[Chart]:
    """Images a second, and CPU and memory in the last round.

    The floor is left out, because the other bars would be invisible beside it.
    """
    sampled = {who: rows[-1].samples for who, rows in found.items() if rows[-1].samples}
    speeds = {who: sure_median(found[who], lambda row: row.images_per_second) for who in sampled}
    charts: list[Chart] = [Bars(f"{name}-images-per-second", title, "images/s", speeds)]
    if over_time:
        cpu = [_cpu_line(who, samples) for who, samples in sampled.items()]
        memory = [_memory_line(who, samples) for who, samples in sampled.items()]
        charts.append(Lines(f"{name}-cpu", title, "CPUs in use", cpu))
        charts.append(Lines(f"{name}-memory", title, "resident MB", memory))
    return charts


def _cpu_line(name: str, samples: Sequence[Sample]) -> Line:
    steps = list(pairwise(samples))
    return Line(
        name,
        [after.seconds for _, after in steps],
        [
            (after.cpu_seconds - before.cpu_seconds) / (after.seconds - before.seconds)
            for before, after in steps
        ],
    )


def _memory_line(name: str, samples: Sequence[Sample]) -> Line:
    return Line(
        name,
        [sample.seconds for sample in samples],
        [sample.resident_megabytes for sample in samples],
    )
