"""Whether a worker keeps its pace while pages ask for the pictures of waiting panels."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.bulk import load_pending
from tests.benchmarks.checks import check, wait_until
from tests.benchmarks.contestants import OURS_SIZE, OURS_TWO, Contestant, running
from tests.benchmarks.image_load import Asked, end_of, start_asking
from tests.benchmarks.pace import Watched
from tests.benchmarks.report import Report
from tests.benchmarks.server import BenchDatabase, fresh_database
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure, ratio
from tests.benchmarks.turns import sure_median, take_turns
from tests.benchmarks.upstreams import Conditions
from tests.support.http_client import call
from tests.support.ports import free_port

REQUESTS_PER_SECOND = 1000
PANELS = 500
WARM_UP_IMAGES = 300
# The asking process needs a moment to start.
LEAD_SECONDS = 0.5
# More than a worker copies in a second.
ROWS_PER_SECOND = 2000

WAITING = """
INSERT INTO storyboards (source_url, available_at)
SELECT 'https://images.invalid/' || n, now() + interval '1 day' FROM generate_series(1, %s) n
RETURNING id
"""


@dataclass(frozen=True)
class Setting:
    name: str
    conditions: Conditions
    at_once: int
    reach: str
    who: Contestant = OURS_SIZE


SETTINGS = (
    Setting("4 KB, upstreams at once", Conditions(4096), 16, ""),
    Setting(
        "256 KB, upstreams take 300 and 500 ms", Conditions(256 * 1024, 300, 500), 64, "≥ 0.95"
    ),
    Setting("4 KB, 2 processes and one for HTTP", Conditions(4096), 16, "", OURS_TWO),
)


@dataclass(frozen=True)
class Turn:
    """The pace without, with, and again without requests, so that a drift shows in neither."""

    before: float
    beside: float
    after: float
    asked: Asked

    @property
    def alone(self) -> float:
        return (self.before + self.after) / 2


def image_route(stage: Stage) -> list[Report]:
    seconds = stage.sized(5, 2)
    runs = {setting.name: partial(_measure, stage, setting, seconds) for setting in SETTINGS}
    found = take_turns("image_route", stage.options.rounds, runs)
    rows = []
    for setting in SETTINGS:
        turns = found[setting.name]
        alone = sure_median(turns, lambda turn: turn.alone)
        beside = sure_median(turns, lambda turn: turn.beside)
        rows.append(
            [
                setting.name,
                figure(alone),
                figure(beside),
                ratio(beside, alone, setting.reach),
                figure(sure_median(turns, lambda turn: turn.asked.per_second)),
                figure(sure_median(turns, lambda turn: turn.asked.median_ms)),
            ]
        )
    title = f"image_route: {REQUESTS_PER_SECOND:,} requests/s for {PANELS} waiting panels"
    columns = ("images/s", "beside requests", "of it", "requests/s", "median ms")
    note = "Worker, upstreams, Postgres and the asking process share the processors."
    return [Report(Table(title, columns, rows, [note]), found)]


def _measure(stage: Stage, setting: Setting, seconds: float) -> Turn:
    port = free_port()
    served = {**setting.who.settings, "PORT": str(port)}
    contestant = Contestant(setting.who.name, setting.who.arguments, served)
    rows = int(ROWS_PER_SECOND * (3 * seconds + 2))
    with (
        fresh_database(stage.server) as database,
        stage.upstreams(setting.conditions) as upstreams,
    ):
        paths = _waiting_panels(database)
        load_pending(database, rows, upstreams.source_url)
        with running(contestant, database.url, upstreams, at_once=setting.at_once) as process:
            watched = Watched(contestant, process, upstreams)
            watched.wait_for(WARM_UP_IMAGES)
            wait_until(lambda: call(port, "/healthz").status == 200, "the server to answer")
            turn = _turn(watched, port, paths, seconds)
            check(watched.now()[0] < rows, f"the {rows:,} rows did not last")
    check(set(turn.asked.statuses) == {"200"}, f"answers were {turn.asked.statuses}")
    return turn


def _waiting_panels(database: BenchDatabase) -> Sequence[str]:
    with database.connect() as connection:
        found = connection.execute(WAITING, [PANELS]).fetchall()
    return [f"/api/storyboards/{row[0]}/image?w=320" for row in found]


def _turn(watched: Watched, port: int, paths: Sequence[str], seconds: float) -> Turn:
    before = watched.pace(seconds)
    asking = start_asking(
        port, paths, seconds=seconds + 2 * LEAD_SECONDS, per_second=REQUESTS_PER_SECOND
    )
    time.sleep(LEAD_SECONDS)
    beside = watched.pace(seconds)
    asked = end_of(asking)
    return Turn(before, beside, watched.pace(seconds), asked)
