"""Whether a worker keeps its pace while pages ask for the pictures of waiting panels."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from tests.benchmarks.bulk import load_pending
from tests.benchmarks.checks import check, wait_until
from tests.benchmarks.contestants import OURS_SIZE, OURS_TWO, Contestant, running
from tests.benchmarks.image_load import Asked, end_of, start_asking
from tests.benchmarks.pace import Watched
from tests.benchmarks.report import Report
from tests.benchmarks.sampling import cpu_seconds, trees
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
ROWS_PER_SECOND = 4000

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
    """``idle_ms`` of processor go to a request of an idle worker. Then the pace without, with, and
    again without requests, so that a drift shows in neither."""

    idle_ms: float
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
                figure(sure_median(turns, lambda turn: turn.idle_ms)),
            ]
        )
    title = f"image_route: {REQUESTS_PER_SECOND:,} requests/s for {PANELS} waiting panels"
    columns = ("images/s", "beside requests", "of it", "requests/s", "median ms", "CPU ms")
    notes = [
        "Worker, upstreams, Postgres and the asking process share the processors.",
        "CPU: of the worker's processes, for a request, while it does nothing else.",
    ]
    return [Report(Table(title, columns, rows, notes), found)]


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
        with running(contestant, database.url, upstreams, at_once=setting.at_once) as process:
            wait_until(lambda: _answers(port), "the server to answer")
            idle_ms = _idle_ms(process.pid, port, paths, seconds)
            load_pending(database, rows, upstreams.source_url)
            with database.connect() as connection:
                connection.execute("NOTIFY storyboards")
            watched = Watched(contestant, process, upstreams)
            watched.wait_for(WARM_UP_IMAGES)
            turn = _turn(watched, port, paths, seconds, idle_ms)
            check(watched.now()[0] < rows, f"the {rows:,} rows did not last")
    check(set(turn.asked.statuses) == {"200"}, f"answers were {turn.asked.statuses}")
    return turn


def _answers(port: int) -> bool:
    try:
        return call(port, "/healthz").status == HTTPStatus.OK
    except ConnectionRefusedError:
        return False


def _waiting_panels(database: BenchDatabase) -> Sequence[str]:
    with database.connect() as connection:
        found = connection.execute(WAITING, [PANELS]).fetchall()
    return [f"/api/storyboards/{row[0]}/image?w=320" for row in found]


def _idle_ms(pid: int, port: int, paths: Sequence[str], seconds: float) -> float:
    asking = _start_asking(port, paths, seconds)
    pids = trees([pid])
    before = cpu_seconds(pids)
    time.sleep(seconds)
    used = cpu_seconds(pids) - before
    return used * 1000 / (end_of(asking).per_second * seconds)


def _turn(
    watched: Watched, port: int, paths: Sequence[str], seconds: float, idle_ms: float
) -> Turn:
    before = watched.pace(seconds)
    asking = _start_asking(port, paths, seconds)
    beside = watched.pace(seconds)
    asked = end_of(asking)
    return Turn(idle_ms, before, beside, watched.pace(seconds), asked)


def _start_asking(port: int, paths: Sequence[str], seconds: float) -> subprocess.Popen[str]:
    """Returns when it asks."""
    asking = start_asking(
        port, paths, seconds=seconds + 2 * LEAD_SECONDS, per_second=REQUESTS_PER_SECOND
    )
    time.sleep(LEAD_SECONDS)
    return asking
