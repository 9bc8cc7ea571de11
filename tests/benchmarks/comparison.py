"""The figures of contestants beside those of the best of their rivals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.measure import Copied
from tests.benchmarks.tables import Table, figure, ratio
from tests.benchmarks.turns import median, sure_median
from tests.benchmarks.workloads.start import Started


@dataclass(frozen=True)
class Rivalry:
    """``rivals``: for each contestant those that do as much as it does. ``called`` is what columns
    call the best of them. ``reach``: targets by contestant and figure, «speed» for the ratio of
    images/s, «cpu», «p50» and «p99» for milliseconds."""

    called: str
    rivals: Mapping[str, Sequence[str]]
    reach: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def target(self, who: str, what: str) -> str:
        return self.reach.get((who, what), "")

    def best_of(
        self, who: str, values: Mapping[str, float], best: Callable[[list[float]], float]
    ) -> float | None:
        """The best value of its rivals; ``None`` when none of them was measured."""
        known = [values[rival] for rival in self.rivals[who] if rival in values]
        return best(known) if known else None


def copying_table(
    title: str, rivalry: Rivalry, found: Mapping[str, Sequence[Copied]], notes: Sequence[str] = ()
) -> Table:
    speeds = {who: sure_median(found[who], lambda row: row.images_per_second) for who in found}
    cpus = {who: sure_median(found[who], lambda row: row.cpu_ms_per_image) for who in found}
    peaks = {who: sure_median(found[who], lambda row: row.peak_megabytes) for who in found}
    rows = [
        [
            who,
            figure(speeds[who]),
            ratio(speeds[who], rivalry.best_of(who, speeds, max), rivalry.target(who, "speed")),
            figure(cpus[who], rivalry.target(who, "cpu")),
            ratio(cpus[who], rivalry.best_of(who, cpus, min)),
            figure(peaks[who]),
            ratio(peaks[who], rivalry.best_of(who, peaks, min)),
            figure(median(found[who], lambda row: row.postgres_cpu_ms_per_image)),
        ]
        for who in found
    ]
    beside = f"of {rivalry.called}"
    columns = ("images/s", beside, "CPU ms/image", beside, "peak MB", beside)
    return Table(title, (*columns, "Postgres CPU ms/image"), rows, notes)


def start_table(
    title: str, rivalry: Rivalry, found: Mapping[str, Sequence[Started]], notes: Sequence[str] = ()
) -> Table:
    p50s = {who: sure_median(found[who], lambda row: row.p50_ms) for who in found}
    p99s = {who: sure_median(found[who], lambda row: row.p99_ms) for who in found}
    rows = [
        [
            who,
            figure(p50s[who], rivalry.target(who, "p50")),
            ratio(p50s[who], rivalry.best_of(who, p50s, min)),
            figure(p99s[who], rivalry.target(who, "p99")),
            ratio(p99s[who], rivalry.best_of(who, p99s, min)),
        ]
        for who in found
    ]
    beside = f"of {rivalry.called}"
    return Table(title, ("p50 ms", beside, "p99 ms", beside), rows, notes)
