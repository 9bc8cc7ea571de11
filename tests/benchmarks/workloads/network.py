"""How near the worker gets to the best possible pace where the network decides."""

from functools import partial

from tests.benchmarks.charts import copying_charts
from tests.benchmarks.contestants import ANEW, NAIVE, OURS_SIZE
from tests.benchmarks.measure import Load, measure
from tests.benchmarks.report import Report
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure
from tests.benchmarks.turns import sure_median, take_turns
from tests.benchmarks.upstreams import Conditions

SOURCE_DELAY_MS = 300
STORAGE_DELAY_MS = 500
BYTES_PER_SECOND = 8_000_000


def waiting(stage: Stage) -> list[Report]:
    """Both upstreams wait before they answer."""
    load = Load(
        Conditions(256 * 1024, SOURCE_DELAY_MS, STORAGE_DELAY_MS),
        images=stage.sized(1280, 128),
        at_once=64,
    )
    contestants = (OURS_SIZE, NAIVE, ANEW)
    runs = {who.name: partial(measure, stage, who, load) for who in contestants}
    found = take_turns("waiting", stage.options.rounds, runs)
    ideal_seconds = load.images / load.at_once * (SOURCE_DELAY_MS + STORAGE_DELAY_MS) / 1000
    rows = []
    for who, rounds in found.items():
        seconds = sure_median(rounds, lambda row: row.stored_seconds)
        reach = "≥ 96" if who == OURS_SIZE.name else ""
        share = figure(ideal_seconds / seconds * 100, reach)
        cpu = sure_median(rounds, lambda row: row.cpu_ms_per_image)
        rows.append([who, figure(load.images / seconds), share, figure(cpu)])
    title = (
        f"waiting: {load.images:,} images of 256 KB, {load.at_once} at once, the source takes"
        f" {SOURCE_DELAY_MS} ms, the storage {STORAGE_DELAY_MS} ms"
    )
    columns = ("images/s", "% of the ideal", "CPU ms/image")
    charts = copying_charts("waiting", title, found, over_time=False)
    return [Report(Table(title, columns, rows), found, charts)]


def bandwidth(stage: Stage) -> list[Report]:
    """Both directions are narrow. Downloading first and then uploading takes twice as long."""
    load = Load(
        Conditions(BYTES_PER_SECOND, bytes_per_second=BYTES_PER_SECOND),
        images=stage.sized(64, 16),
    )
    runs = {who.name: partial(measure, stage, who, load) for who in (OURS_SIZE, NAIVE)}
    found = take_turns("bandwidth", stage.options.rounds, runs)
    one_direction_seconds = load.images / load.at_once  # An image takes a second
    rows = []
    for who, rounds in found.items():
        seconds = sure_median(rounds, lambda row: row.stored_seconds)
        reach = "≤ 1.15" if who == OURS_SIZE.name else ""
        share = figure(seconds / one_direction_seconds, reach)
        peak = sure_median(rounds, lambda row: row.peak_megabytes)
        rows.append([who, figure(seconds), share, figure(peak)])
    title = (
        f"bandwidth: {load.images} images of 8 MB, {load.at_once} at once,"
        " 8 MB/s for each connection"
    )
    columns = ("seconds", "of one direction alone", "peak MB")
    charts = copying_charts("bandwidth", title, found, over_time=False)
    return [Report(Table(title, columns, rows), found, charts)]
