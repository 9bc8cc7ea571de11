"""How long statements wait while a table of a million rows is migrated under traffic."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from storyboard_worker.database import Database, schema
from tests.benchmarks.report import Report
from tests.benchmarks.server import BenchDatabase, Server
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure
from tests.support.stepping import upgrade_to
from tests.support.traffic import Traffic, traffic
from tests.support.waiting_rows import RELEASED, load_waiting

MOST_LOCK_WAIT_MS = 200
REACH = "< 200 ms"
QUIET_SECONDS = 5


@dataclass(frozen=True)
class Waits:
    """``lock_waits``: how many statements waited for a lock for longer than 200 ms."""

    seconds: float
    longest_insert_ms: float
    longest_change_ms: float
    longest_claim_ms: float
    statements: int
    lock_waits: int


def migration(stage: Stage) -> list[Report]:
    rows = stage.sized(1_000_000, 50_000)
    with older_database(stage.server) as database:
        load_waiting(database.dsn, rows)
        with traffic(database.dsn, most_wait_ms=MOST_LOCK_WAIT_MS) as found:
            time.sleep(QUIET_SECONDS)
        quiet = _waits(QUIET_SECONDS, found)
        with traffic(database.dsn, most_wait_ms=MOST_LOCK_WAIT_MS) as found:
            began_at = time.monotonic()
            _migrate(database)
            seconds = time.monotonic() - began_at
        migrated = _waits(seconds, found)
    return [_report(rows, {"before": quiet, "while it is migrated": migrated})]


@contextmanager
def older_database(server: Server) -> Iterator[BenchDatabase]:
    """A database of the released version, which is dropped at the end."""
    database = BenchDatabase(server, f"bench_{time.monotonic_ns()}")
    name = sql.Identifier(database.name)
    server.connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    try:
        migrating = Database(database.dsn)
        upgrade_to(migrating, RELEASED)
        migrating.close()
        yield database
    finally:
        server.connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _migrate(database: BenchDatabase) -> None:
    migrating = Database(database.dsn)
    schema.upgrade(migrating)
    migrating.close()


def _waits(seconds: float, found: Traffic) -> Waits:
    kinds = (found.insert_seconds, found.change_seconds, found.claim_seconds)
    insert_ms, change_ms, claim_ms = (max(kind, default=0.0) * 1000 for kind in kinds)
    statements = sum(map(len, kinds))
    return Waits(seconds, insert_ms, change_ms, claim_ms, statements, len(found.lock_waits))


def _report(rows: int, found: dict[str, Waits]) -> Report:
    cells = [
        [
            when,
            figure(waits.seconds),
            figure(waits.longest_insert_ms, REACH),
            figure(waits.longest_change_ms, REACH),
            figure(waits.longest_claim_ms),
            figure(waits.statements),
            figure(waits.lock_waits, "0"),
        ]
        for when, waits in found.items()
    ]
    columns = (
        *("seconds", "longest insert, ms", "longest update, ms", "longest claim, ms"),
        *("statements", "lock waits > 200 ms"),
    )
    title = f"migration from {RELEASED} of {rows:,} waiting rows, one insert each 5 ms"
    return Report(Table(title, columns, cells), {when: [waits] for when, waits in found.items()})
