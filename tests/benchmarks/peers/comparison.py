"""The figures of this project's worker beside those of the best peer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.measure import Copied
from tests.benchmarks.tables import figure, ratio
from tests.benchmarks.turns import median, sure_median
from tests.benchmarks.workloads.start import Started

COPYING_COLUMNS = (
    "images/s",
    "of the best peer",
    "CPU ms/image",
    "of the best peer",
    "peak MB",
    "of the best peer",
    "Postgres CPU ms/image",
)
START_COLUMNS = ("p50 ms", "of the best peer", "p99 ms", "of the best peer")


@dataclass(frozen=True)
class Field:
    """``rivals``: for each contestant the peers that do as much as it does. ``reach``: targets of
    some of them, for their ratio or their time."""

    rivals: Mapping[str, Sequence[str]]
    reach: Mapping[tuple[str, str], str]

    def beside_best(
        self, who: str, what: str, values: Mapping[str, float], best: Callable[..., float]
    ) -> str:
        """The contestant's value as a multiple of the best of its rivals."""
        known = [values[rival] for rival in self.rivals[who] if rival in values]
        return ratio(values[who], best(known) if known else None, self.reach.get((who, what), ""))


def copying_rows(field: Field, found: Mapping[str, Sequence[Copied]]) -> list[list[str]]:
    """Cells under :data:`COPYING_COLUMNS`, a row for each contestant."""
    speeds = {who: sure_median(found[who], lambda row: row.images_per_second) for who in found}
    cpus = {who: sure_median(found[who], lambda row: row.cpu_ms_per_image) for who in found}
    peaks = {who: sure_median(found[who], lambda row: row.peak_megabytes) for who in found}
    return [
        [
            who,
            figure(speeds[who]),
            field.beside_best(who, "speed", speeds, max),
            figure(cpus[who], field.reach.get((who, "cpu"), "")),
            field.beside_best(who, "cpu ratio", cpus, min),
            figure(peaks[who]),
            field.beside_best(who, "peak ratio", peaks, min),
            figure(median(found[who], lambda row: row.postgres_cpu_ms_per_image)),
        ]
        for who in found
    ]


def start_rows(field: Field, found: Mapping[str, Sequence[Started]]) -> list[list[str]]:
    """Cells under :data:`START_COLUMNS`, a row for each contestant."""
    p50s = {who: sure_median(found[who], lambda row: row.p50_ms) for who in found}
    p99s = {who: sure_median(found[who], lambda row: row.p99_ms) for who in found}
    return [
        [
            who,
            figure(p50s[who], field.reach.get((who, "p50"), "")),
            field.beside_best(who, "p50 ratio", p50s, min),
            figure(p99s[who], field.reach.get((who, "p99"), "")),
            field.beside_best(who, "p99 ratio", p99s, min),
        ]
        for who in found
    ]
