"""Whether several workers, or processes of one, do as much as their number promises."""

from functools import partial

from tests.benchmarks.charts import Bars
from tests.benchmarks.contestants import OURS_SIZE, OURS_TWO
from tests.benchmarks.measure import Load, measure
from tests.benchmarks.report import Report
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure, ratio
from tests.benchmarks.turns import median, sure_median, take_turns
from tests.benchmarks.upstreams import Conditions

WORKERS = (1, 2, 4, 8)
AT_ONCE = 8
SOURCE_DELAY_MS = 300


def scale(stage: Stage) -> list[Report]:
    return [_workers(stage), _processes(stage)]


def _workers(stage: Stage) -> Report:
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
    return Report(Table(title, columns, rows), found, charts)


def _processes(stage: Stage) -> Report:
    """One container with one process, and with two that share its slots."""
    load = Load(Conditions(4096), stage.sized(10_000, 1000))
    contestants = (OURS_SIZE, OURS_TWO)
    runs = {who.name: partial(measure, stage, who, load) for who in contestants}
    found = take_turns("scale, processes", stage.options.rounds, runs)
    speeds = {
        who: sure_median(rounds, lambda row: row.images_per_second) for who, rounds in found.items()
    }
    rows = [
        [
            who.name,
            figure(speeds[who.name]),
            ratio(speeds[who.name], speeds[OURS_SIZE.name]),
            figure(sure_median(found[who.name], lambda row: row.cpu_ms_per_image)),
            figure(median(found[who.name], lambda row: row.shared_megabytes)),
        ]
        for who in contestants
    ]
    columns = ("images/s", "of one process", "CPU ms/image", "PSS MB")
    note = "Processes, upstreams and Postgres share the processors."
    title = f"scale: processes in one container, 4 KB, {load.at_once} at once in all"
    return Report(Table(title, columns, rows, [note]), found)


def _name(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
