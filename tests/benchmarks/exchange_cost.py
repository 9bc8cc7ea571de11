"""What exchanges with the database cost: ``python -m tests.benchmarks.exchange_cost``.

A lone claim, and a turn of the loop (7 ends and a claim of 7 rows), each as a whole message that
the server parses and plans, and with the plan that its session keeps. CPU is that of the worker's
thread and of all processes of the server. With TEST_DATABASE_URL it takes that server:
``python -m tests.debian_postgres -- python -m tests.benchmarks.exchange_cost``.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Claim, StoredImage
from tests.benchmarks.server import BenchDatabase, Server, fresh_database, running_server
from tests.benchmarks.tables import Table, figure

ROUNDS = 4
EXCHANGES = 400
AT_ONCE = 7
WARM_UP = 20
LOAD = """
INSERT INTO storyboards (source_url)
SELECT 'https://images.example/' || n || '.jpeg' FROM generate_series(1, %s) AS n
"""
IMAGE = StoredImage(
    cdn_url="https://res.cloudinary.com/demo/image/upload/v1/a.jpg",
    public_id="storyboards/a-0123456789",
    asset_id="b5a1e8c02f6d4d0b9b1f1f8e0d5c7a11",
    format="jpg",
    width=2048,
    height=2048,
    bytes=2_000_000,
    etag="9e107d9d372bb6826bd81d3542a419d6",
)


@dataclass
class Cost:
    """Of one exchange, in milliseconds: each round's median of the time, and its CPU."""

    round_trip: list[float] = field(default_factory=list)
    worker_cpu: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)

    def row(self, name: str) -> list[str]:
        kinds = (self.round_trip, self.worker_cpu, self.server_cpu)
        return [name, *(figure(min(rounds)) for rounds in kinds)]


def claims_one(queue: StoryboardQueue) -> Callable[[], None]:
    def claim() -> None:
        assert len(queue.claim(1)) == 1

    return claim


def takes_turns(queue: StoryboardQueue) -> Callable[[], None]:
    under_way: list[Claim] = queue.claim(AT_ONCE)

    def turn() -> None:
        nonlocal under_way
        ends = [(claim, IMAGE) for claim in under_way]
        verdicts, under_way = queue.end_all(ends, claim=AT_ONCE)
        assert verdicts == [None] * AT_ONCE
        assert len(under_way) == AT_ONCE

    return turn


def measure(server: Server, bench: BenchDatabase, cost: Cost, work: str, *, plans: bool) -> None:
    """One round of ``work``, on rows of its own."""
    with bench.connect() as connection:
        connection.execute("TRUNCATE storyboards")
        connection.execute(LOAD, [(EXCHANGES + WARM_UP + 1) * AT_ONCE])
        connection.execute("VACUUM ANALYZE storyboards")
    with closing(Database(bench.dsn, max_connections=1)) as database:
        database.keep_plans(allowed=plans)
        exchange = WORK[work](StoryboardQueue(database, worker_id="bench", lease_seconds=600))
        for _ in range(WARM_UP):
            exchange()
        _add(server, cost, exchange)


def _add(server: Server, cost: Cost, exchange: Callable[[], None]) -> None:
    server_before, worker_before = server.cpu_seconds(), time.thread_time()
    times = []
    for _ in range(EXCHANGES):
        began_at = time.perf_counter()
        exchange()
        times.append(time.perf_counter() - began_at)
    cost.worker_cpu.append((time.thread_time() - worker_before) * 1000 / EXCHANGES)
    cost.server_cpu.append((server.cpu_seconds() - server_before) * 1000 / EXCHANGES)
    cost.round_trip.append(statistics.median(times) * 1000)


WORK = {"a lone claim": claims_one, f"{AT_ONCE} ends and a claim of {AT_ONCE}": takes_turns}
FORMS = {"sent whole": False, "with kept plans": True}


def main() -> None:
    costs = {(work, form): Cost() for work in WORK for form in FORMS}
    with tempfile.TemporaryDirectory(prefix="storyboard-exchanges-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with (
            running_server(folder / "data", os.environ.get("TEST_DATABASE_URL")) as server,
            fresh_database(server) as bench,
        ):
            # They take turns, so that a busy machine slows all of them.
            for _ in range(ROUNDS):
                for (work, form), cost in costs.items():
                    measure(server, bench, cost, work, plans=FORMS[form])
            title = f"ms an exchange, least of {ROUNDS} rounds, Postgres {server.version}"
    rows = [cost.row(f"{work}, {form}") for (work, form), cost in costs.items()]
    print(Table(title, ["round trip", "worker CPU", "server CPU"], rows).markdown())


if __name__ == "__main__":
    main()
