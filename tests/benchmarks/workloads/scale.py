"""Whether several workers do as much as their number promises."""

from functools import partial

from tests.benchmarks.charts import Bars
from tests.benchmarks.contestants import OURS_SIZE
from tests.benchmarks.measure import Load, measure
from tests.benchmarks.report import Report
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure, ratio
from tests.benchmarks.turns import sure_median, take_turns
from tests.benchmarks.upstreams import Conditions

WORKERS = (1, 2, 4, 8)
AT_ONCE = 8
SOURCE_DELAY_MS = 300


def scale(stage: Stage) -> list[Report]:
    images_of_one = AT_ONCE * stage.sized(20, 7)  # Six seconds, or two, at 300 ms each
    conditions = Conditions(16 * 1024, source_delay_ms=SOURCE_DELAY_MS)
    runs = {}
    for workers in WORKERS:
        load = Load(conditions, images_of_one * workers, AT_ONCE, workers)
        runs[_name(workers)] = partial(measure, stage, OURS_SIZE, load)
    found = take_turns("scale", stage.options.rounds, runs)
    speeds = {
        who: sure_median(rounds, lambda row: row.images / row.stored_seconds)
        for who, rounds in found.items()
    }
    one = speeds[_name(1)]
    rows = []
    for workers in WORKERS:
        speed = speeds[_name(workers)]
        reach = "≥ 0.95" if workers > 1 else ""
        rows.append([_name(workers), figure(speed), ratio(speed, workers * one, reach)])
    title = (
        f"scale: {OURS_SIZE.name}, 16 KB, {AT_ONCE} at once in each,"
        f" the source takes {SOURCE_DELAY_MS} ms"
    )
    columns = ("images/s", "of as many times one")
    charts = [Bars("scale-images-per-second", title, "images/s", speeds)]
    return [Report(Table(title, columns, rows), found, charts)]


def _name(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
