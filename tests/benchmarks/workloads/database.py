"""The cost of an image for the database."""

from functools import partial

from tests.benchmarks.contestants import OURS_SIZE
from tests.benchmarks.measure import Load, measure
from tests.benchmarks.report import Report
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure
from tests.benchmarks.turns import median, take_turns
from tests.benchmarks.upstreams import Conditions


def database(stage: Stage) -> list[Report]:
    load = Load(Conditions(4096), stage.sized(10_000, 1000))
    runs = {OURS_SIZE.name: partial(measure, stage, OURS_SIZE, load)}
    found = take_turns("database", stage.options.rounds, runs)
    rounds = found[OURS_SIZE.name]
    row = [
        OURS_SIZE.name,
        figure(median(rounds, lambda row: row.transactions_per_image), "≤ 1.2"),
        figure(median(rounds, lambda row: row.postgres_cpu_ms_per_image)),
    ]
    title = f"database: {load.images:,} images of 4 KB, {load.at_once} at once"
    note = "Transactions from start to end of the worker, those of its start among them."
    columns = ("transactions/image", "Postgres CPU ms/image")
    return [Report(Table(title, columns, [row], [note]), found)]
