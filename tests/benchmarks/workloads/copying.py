"""As many images as there are, as quickly as possible: small, middling, large."""

from collections.abc import Mapping, Sequence
from functools import partial

from tests.benchmarks import floor
from tests.benchmarks.charts import copying_charts
from tests.benchmarks.contestants import ANEW, NAIVE, OURS, OURS_SIZE, Contestant
from tests.benchmarks.measure import Copied, Load, measure
from tests.benchmarks.report import Report
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure, ratio, without_empty_columns
from tests.benchmarks.turns import median, sure_median, take_turns
from tests.benchmarks.upstreams import Conditions

ALL = (OURS, OURS_SIZE, NAIVE, ANEW)
COLUMNS = (
    "images/s",
    "of naive",
    "of naive anew",
    "of the floor",
    "CPU ms/image",
    "of naive",
    "of naive anew",
    "peak MB",
    "Postgres CPU ms/image",
    "transactions/image",
    "TLS handshakes",
    "resumed",
)

# Targets by contestant and figure.
Reach = Mapping[tuple[Contestant, str], str]


def one_megabyte(stage: Stage) -> list[Report]:
    conditions = Conditions(1_000_000)
    load = Load(conditions, stage.sized(1500, 150))
    # The floor is so quick that it needs more work.
    floor_load = Load(conditions, stage.sized(5000, 1000))
    reach = {
        (OURS_SIZE, "speed"): "≥ 3.5",
        (OURS_SIZE, "cpu"): "≤ 0.28",
        (OURS, "speed"): "≥ 2.2",
    }
    return [compare(stage, "1mb", dict.fromkeys(ALL, load), reach, floor_load)]


def four_kilobytes(stage: Stage) -> list[Report]:
    conditions = Conditions(4096)
    load = Load(conditions, stage.sized(10_000, 600))
    fewer = Load(conditions, stage.sized(3000, 300))
    floor_load = Load(conditions, stage.sized(50_000, 5000))
    loads = {OURS: load, OURS_SIZE: load, NAIVE: fewer, ANEW: fewer}
    reach = {(OURS_SIZE, "speed"): "≥ 3, aim 3.7"}
    return [compare(stage, "4kb", loads, reach, floor_load)]


def large(stage: Stage) -> list[Report]:
    load = Load(Conditions(30_000_000), stage.sized(32, 16))
    reach = {(OURS, "peak"): "< 90", (OURS_SIZE, "peak"): "< 90"}
    return [compare(stage, "large", dict.fromkeys((OURS, OURS_SIZE, NAIVE), load), reach)]


def with_tls(stage: Stage) -> list[Report]:
    megabytes = Load(Conditions(1_000_000, tls=True), stage.sized(1500, 100))
    small = Load(Conditions(4096, tls=True), stage.sized(3000, 300))
    return [
        compare(stage, "tls-1mb", dict.fromkeys(ALL, megabytes), {}),
        compare(stage, "tls-4kb", dict.fromkeys(ALL, small), {}),
    ]


def compare(
    stage: Stage,
    name: str,
    loads: Mapping[Contestant, Load],
    reach: Reach,
    floor_load: Load | None = None,
) -> Report:
    """All contestants in turns, each with its own load of the same kind."""
    runs = {who.name: partial(measure, stage, who, load) for who, load in loads.items()}
    if floor_load:
        runs[floor.NAME] = partial(floor.measure_floor, stage, floor_load)
    found = take_turns(name, stage.options.rounds, runs)
    title = title_of(name, next(iter(loads.values())))
    by_name = {(who.name, what): text for (who, what), text in reach.items()}
    rows = [_row(who, found, by_name) for who in found]
    columns, rows = without_empty_columns(COLUMNS, rows)
    return Report(Table(title, columns, rows), found, copying_charts(name, title, found))


def title_of(name: str, load: Load) -> str:
    """What is copied, and how."""
    size = load.conditions.image_bytes
    shown = f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1024:.0f} KB"
    tls = ", TLS on both sides" if load.conditions.tls else ""
    return f"{name}: {load.images:,} images of {shown}, {load.at_once} at once{tls}"


def _row(
    who: str, found: Mapping[str, Sequence[Copied]], reach: Mapping[tuple[str, str], str]
) -> list[str]:
    speeds = {
        name: sure_median(rows, lambda row: row.images_per_second) for name, rows in found.items()
    }
    cpus = {
        name: sure_median(rows, lambda row: row.cpu_ms_per_image) for name, rows in found.items()
    }
    mine = found[who]
    return [
        who,
        figure(speeds[who]),
        ratio(speeds[who], speeds.get(NAIVE.name), reach.get((who, "speed"), "")),
        ratio(speeds[who], speeds.get(ANEW.name)),
        ratio(speeds[who], speeds.get(floor.NAME)),
        figure(cpus[who]),
        ratio(cpus[who], cpus.get(NAIVE.name), reach.get((who, "cpu"), "")),
        ratio(cpus[who], cpus.get(ANEW.name)),
        figure(sure_median(mine, lambda row: row.peak_megabytes), reach.get((who, "peak"), "")),
        figure(median(mine, lambda row: row.postgres_cpu_ms_per_image)),
        figure(median(mine, lambda row: row.transactions_per_image)),
        figure(median(mine, lambda row: row.handshakes)),
        figure(median(mine, lambda row: row.resumed)),
    ]
