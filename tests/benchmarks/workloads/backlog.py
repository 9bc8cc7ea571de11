"""Whether a worker stays quick with any number of rows."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.bulk import load_pending, load_ready
from tests.benchmarks.charts import Bars
from tests.benchmarks.checks import check
from tests.benchmarks.contestants import OURS_SIZE, running
from tests.benchmarks.pace import Watched
from tests.benchmarks.report import Report
from tests.benchmarks.server import BenchDatabase, fresh_database
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure, ratio
from tests.benchmarks.turns import sure_median, take_turns
from tests.benchmarks.upstreams import Conditions, Upstreams

# The images copied before the measurement, and those left after it.
WARM_UP_IMAGES = 300
SPARE_IMAGES = 500
NEEDED_FREE_BYTES = 12e9


@dataclass(frozen=True)
class Case:
    """Rows that exist all the time. With ``topped_up`` each round adds the rows that it copies."""

    name: str
    ready: int = 0
    pending: int = 0
    half_waits: bool = False
    topped_up: bool = False


EMPTY = Case("an empty table", topped_up=True)


@dataclass(frozen=True)
class Paced:
    images: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds


def backlog(stage: Stage) -> list[Report]:
    images = stage.sized(3000, 1000)
    cases, notes = _cases(stage)
    with ExitStack() as stack:
        upstreams = stack.enter_context(stage.upstreams(Conditions(4096)))
        runs = {}
        for case in cases:
            database = stack.enter_context(fresh_database(stage.server))
            load_ready(database, case.ready, upstreams.source_url)
            load_pending(database, case.pending, upstreams.source_url, half_waits=case.half_waits)
            runs[case.name] = partial(_measure, case, database, upstreams, images)
        found = take_turns("backlog", stage.options.rounds, runs)
    speeds = {
        who: sure_median(rounds, lambda row: row.images_per_second) for who, rounds in found.items()
    }
    return [_report(images, speeds, found, notes)]


def _cases(stage: Stage) -> tuple[list[Case], list[str]]:
    pending = stage.sized(1_000_000, 100_000)
    ready = stage.sized(10_000_000, 200_000)
    cases = [
        EMPTY,
        Case(f"{pending:,} pending rows", pending=pending),
        Case(f"{pending:,} pending rows, half of them waiting", pending=pending, half_waits=True),
    ]
    full = Case(f"{ready:,} ready rows", ready=ready, topped_up=True)
    if stage.options.quick or shutil.disk_usage(stage.folder).free >= NEEDED_FREE_BYTES:
        return [*cases, full], []
    return cases, [f"Not measured with {full.name}: that needs 12 GB of free disk."]


def _report(
    images: int,
    speeds: Mapping[str, float],
    found: Mapping[str, list[Paced]],
    notes: list[str],
) -> Report:
    empty = speeds[EMPTY.name]
    rows = [
        [who, figure(speed), ratio(speed, empty, "" if who == EMPTY.name else "≥ 0.9")]
        for who, speed in speeds.items()
    ]
    title = f"backlog: {OURS_SIZE.name}, {images:,} images of 4 KB, 16 at once"
    columns = ("images/s", "of the empty table")
    charts = [Bars("backlog-images-per-second", title, "images/s", speeds)]
    return Report(Table(title, columns, rows, notes), found, charts)


def _measure(case: Case, database: BenchDatabase, upstreams: Upstreams, images: int) -> Paced:
    _tidy(database, with_pending=case.topped_up)
    if case.topped_up:
        load_pending(database, WARM_UP_IMAGES + images + SPARE_IMAGES, upstreams.source_url)
    upstreams.forget()
    with running(OURS_SIZE, database.url, upstreams, at_once=16) as process:
        watched = Watched(OURS_SIZE, process, upstreams)
        stored_before, began_at = watched.wait_for(WARM_UP_IMAGES)
        stored, ended_at = watched.wait_for(WARM_UP_IMAGES + images)
    _check_none_failed(database)
    return Paced(stored - stored_before, ended_at - began_at)


def _tidy(database: BenchDatabase, *, with_pending: bool) -> None:
    """Delete the rows that the round before has left unfinished."""
    left = ["processing", "pending"] if with_pending else ["processing"]
    with database.connect() as connection:
        connection.execute("DELETE FROM storyboards WHERE status = ANY(%s)", [left])


def _check_none_failed(database: BenchDatabase) -> None:
    with database.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM storyboards WHERE status = 'failed'"
        ).fetchone()
    check(found == (0,), "rows failed")
