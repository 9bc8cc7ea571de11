"""Whether a worker stays quick while an old snapshot keeps dead rows alive."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from psycopg import IsolationLevel

from tests.benchmarks.bulk import load_pending
from tests.benchmarks.charts import Line, Lines
from tests.benchmarks.checks import check
from tests.benchmarks.contestants import OURS_SIZE, running
from tests.benchmarks.pace import Watched
from tests.benchmarks.report import Report
from tests.benchmarks.server import BenchDatabase, fresh_database
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure, ratio
from tests.benchmarks.turns import take_turns
from tests.benchmarks.upstreams import Conditions

PARTS = 20
QUICK_SECONDS = 40.0
# More than a worker copies in a second.
ROWS_PER_SECOND = 3000
SPARE_ROWS = 20_000
WARM_UP_IMAGES = 300


@dataclass(frozen=True)
class Part:
    """A twentieth of the time."""

    images: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds


def snapshot(stage: Stage) -> list[Report]:
    options = stage.options
    seconds = QUICK_SECONDS if options.quick else options.snapshot_minutes * 60
    found = take_turns("snapshot", 1, {OURS_SIZE.name: partial(_measure, stage, seconds)})
    (parts,) = found[OURS_SIZE.name]
    speeds = [part.images_per_second for part in parts]
    last = ratio(speeds[-1], speeds[0], "≥ 0.9")
    row = [OURS_SIZE.name, figure(speeds[0]), figure(min(speeds)), figure(speeds[-1]), last]
    title = f"snapshot: 4 KB, 16 at once, a snapshot that is open for {seconds:.0f} s"
    columns = ("first part, images/s", "slowest part", "last part", "last of first")
    times = [(number + 0.5) * seconds / PARTS for number in range(PARTS)]
    line = Line(OURS_SIZE.name, times, speeds)
    charts = [Lines("snapshot-images-per-second", title, "images/s", [line])]
    table = Table(title, columns, [row], [f"One round; {PARTS} equal parts."])
    return [Report(table, {OURS_SIZE.name: parts}, charts)]


def _measure(stage: Stage, seconds: float) -> list[Part]:
    rows = int(ROWS_PER_SECOND * seconds) + SPARE_ROWS
    with fresh_database(stage.server) as database, stage.upstreams(Conditions(4096)) as upstreams:
        load_pending(database, rows, upstreams.source_url)
        with (
            _open_snapshot(database),
            running(OURS_SIZE, database.url, upstreams, at_once=16) as process,
        ):
            watched = Watched(OURS_SIZE, process, upstreams)
            parts = _parts(watched, seconds / PARTS)
            stored, _ = watched.now()
    check(stored < rows - SPARE_ROWS / 2, f"the {rows:,} rows did not last")
    return parts


def _parts(watched: Watched, part_seconds: float) -> list[Part]:
    """Each update ends by the clock, so that delays do not add up."""
    stored_before, before = watched.wait_for(WARM_UP_IMAGES)
    began_at = before
    parts = []
    for number in range(1, PARTS + 1):
        time.sleep(max(0.0, began_at + number * part_seconds - time.monotonic()))
        stored, now = watched.now()
        parts.append(Part(stored - stored_before, now - before))
        stored_before, before = stored, now
    return parts


@contextmanager
def _open_snapshot(database: BenchDatabase) -> Iterator[None]:
    with database.connect() as connection:
        connection.autocommit = False
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT count(*) FROM storyboard_workers")
        yield
        connection.rollback()
