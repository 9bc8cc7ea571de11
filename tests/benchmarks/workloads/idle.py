"""The cost of a worker that has nothing to do."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.contestants import OURS, check_running, running
from tests.benchmarks.report import Report
from tests.benchmarks.sampling import cpu_seconds, resident_megabytes
from tests.benchmarks.server import Server, fresh_database
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure
from tests.benchmarks.turns import sure_median, take_turns
from tests.benchmarks.upstreams import Conditions
from tests.support.database_url import url_of
from tests.support.pooler import transaction_pooler

# After ten seconds of silence Postgres knows what a connection has done.
REPORTED_SECONDS = 12.0
WITH_LISTEN = "with LISTEN"
WITHOUT = "without LISTEN, behind PgBouncer"
REACH_TRANSACTIONS = {WITH_LISTEN: "< 400", WITHOUT: "< 2,200"}


@dataclass(frozen=True)
class Idled:
    window_seconds: float
    transactions: int
    cpu_seconds: float
    resident_megabytes: float


def idle(stage: Stage) -> list[Report]:
    seconds = {WITH_LISTEN: stage.sized(180, 20), WITHOUT: stage.sized(60, 20)}
    runs = {WITH_LISTEN: partial(_measure, stage, seconds[WITH_LISTEN], nullcontext)}
    notes = ["One round. Transactions are scaled up from the time it was watched."]
    if shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin"):
        runs[WITHOUT] = partial(_measure, stage, seconds[WITHOUT], transaction_pooler)
    else:
        notes.append(f"Not measured {WITHOUT}: it is not installed.")
    with _without_autovacuum(stage.server):
        found = take_turns("idle", 1, runs)
    rows = []
    for who, rounds in found.items():
        hourly = sure_median(rounds, lambda row: row.transactions * 3600 / row.window_seconds)
        resident = sure_median(rounds, lambda row: row.resident_megabytes)
        cpu = sure_median(rounds, lambda row: row.cpu_seconds * 60 / row.window_seconds)
        reached = [figure(resident, "< 80"), figure(cpu, "< 0.1")]
        rows.append([who, figure(seconds[who]), figure(hourly, REACH_TRANSACTIONS[who]), *reached])
    columns = ("watched s", "transactions an hour", "resident MB", "CPU s a minute")
    return [Report(Table("idle: a worker with nothing to do", columns, rows, notes), found)]


def _measure(
    stage: Stage, seconds: float, way: Callable[[str], AbstractContextManager[str]]
) -> Idled:
    with (
        fresh_database(stage.server) as database,
        stage.upstreams(Conditions(4096)) as upstreams,
        way(database.dsn) as dsn,
        running(OURS, url_of(dsn), upstreams, at_once=16) as process,
    ):
        time.sleep(REPORTED_SECONDS)
        transactions_before = database.reported_transactions()
        cpu_before = cpu_seconds([process.pid])
        time.sleep(seconds)
        check_running(OURS, process)
        cpu = cpu_seconds([process.pid]) - cpu_before
        resident = resident_megabytes([process.pid])
        # The worker is not killed: a connection that ends reports counts that are otherwise
        # missing.
        process.send_signal(signal.SIGSTOP)
        time.sleep(REPORTED_SECONDS)
        transactions = database.reported_transactions() - transactions_before
    return Idled(seconds, transactions, cpu, resident)


@contextmanager
def _without_autovacuum(server: Server) -> Iterator[None]:
    """Autovacuum looks into each database every minute, which counts as transactions there."""
    server.connection.execute("ALTER SYSTEM SET autovacuum = off")
    server.connection.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        server.connection.execute("ALTER SYSTEM RESET autovacuum")
        server.connection.execute("SELECT pg_reload_conf()")
