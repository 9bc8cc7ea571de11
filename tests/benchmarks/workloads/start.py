"""How soon a single row starts on an idle worker."""

import math
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.contestants import ANEW, NAIVE, OURS, Contestant, running, wait_until_idle
from tests.benchmarks.report import Report
from tests.benchmarks.rows import Rows
from tests.benchmarks.server import fresh_database
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure
from tests.benchmarks.turns import sure_median, take_turns
from tests.benchmarks.upstreams import Conditions, Upstreams

PAUSE_SECONDS = (0.02, 0.12)
LOOK_SECONDS = 0.005
NS_PER_MS = 1e6


@dataclass(frozen=True)
class Started:
    """The time from the commit to the first byte of the request at the source."""

    waits_ms: Sequence[float]

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.waits_ms)

    @property
    def p99_ms(self) -> float:
        return sorted(self.waits_ms)[math.ceil(len(self.waits_ms) * 0.99) - 1]


def start(stage: Stage) -> list[Report]:
    counts = {
        OURS: stage.sized(300, 60),
        NAIVE: stage.sized(30, 3),
        ANEW: stage.sized(30, 3),
    }
    runs = {who.name: partial(measure_start, stage, who, count) for who, count in counts.items()}
    found = take_turns("start", stage.options.rounds, runs)
    rows = []
    for who, rounds in found.items():
        reach = ("< 3", "< 10") if who == OURS.name else ("", "")
        p50 = sure_median(rounds, lambda row: row.p50_ms)
        p99 = sure_median(rounds, lambda row: row.p99_ms)
        rows.append([who, figure(p50, reach[0]), figure(p99, reach[1])])
    title = f"start: {counts[OURS]} single rows, commit to the first byte asked of the source"
    note = f"The naive loops: {counts[NAIVE]} rows, whose p99 is the longest wait."
    return [Report(Table(title, ("p50 ms", "p99 ms"), rows, [note]), found)]


def measure_start(stage: Stage, contestant: Contestant, count: int) -> Started:
    """The waits of ``count`` rows, one after another."""
    chance = random.Random(1)
    with (
        fresh_database(stage.server) as database,
        stage.upstreams(Conditions(4096)) as upstreams,
        contestant.rows(database) as rows,
        running(contestant, database.url, upstreams, at_once=16) as process,
    ):
        wait_until_idle(contestant, process, rows)
        waits_ms = []
        for number in range(1, count + 1):
            time.sleep(chance.uniform(*PAUSE_SECONDS))
            waits_ms.append(_one_wait_ms(rows, upstreams, number))
    return Started(waits_ms)


def _one_wait_ms(rows: Rows, upstreams: Upstreams, number: int) -> float:
    upstreams.forget()
    committed_ns = rows.insert(1, upstreams.source_url)
    rows.wait_until_ready(number, every_seconds=LOOK_SECONDS)
    upstreams.check_stored(1)
    # The request may arrive before the producer has read that its row is committed.
    return max(0.0, (upstreams.tally().first_request_ns - committed_ns) / NS_PER_MS)
