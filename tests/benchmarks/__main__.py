"""Throughput, CPU, memory and start latency beside a naive loop."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import psycopg
from psycopg import sql

from storyboard_worker import schema
from storyboard_worker.database import Database
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.embedded import private_postgres
from tests.benchmarks.contestants import (
    NAIVE,
    OURS,
    OURS_SIZE,
    Contestant,
    cpu_seconds,
    peak_megabytes,
    running,
    wait_until_ready,
)
from tests.benchmarks.upstreams import Upstreams

LATENCY_ROWS = 200


@dataclass(frozen=True)
class Workload:
    name: str
    image_bytes: int
    images: int


WORKLOADS = (Workload("1 MB", 1_000_000, 600), Workload("4 KB", 4096, 2000))
LARGE = Workload("30 MB", 30_000_000, 32)


@dataclass(frozen=True)
class Measured:
    images_per_second: float
    cpu_ms_per_image: float
    peak_megabytes: float


@click.command()
@click.option("--rounds", default=3, show_default=True)
def main(rounds: int) -> None:
    """Print Markdown tables; medians of ROUNDS, the contestants taking turns."""
    with tempfile.TemporaryDirectory() as folder, private_postgres(Path(folder)) as server:
        for workload in WORKLOADS:
            _compare(server, workload, (OURS, OURS_SIZE, NAIVE), rounds)
        _compare(server, LARGE, (OURS, NAIVE), 1)
        _latency(server)


def _compare(
    server: str, workload: Workload, contestants: tuple[Contestant, ...], rounds: int
) -> None:
    found: dict[str, list[Measured]] = {contestant.name: [] for contestant in contestants}
    body = random_image(workload.image_bytes, "PNG", seed=1)
    for _ in range(rounds):
        for contestant in contestants:
            found[contestant.name].append(_measure(server, workload, contestant, body))
    naive = _median(found[NAIVE.name])
    click.echo(f"\n{workload.images} images of {workload.name}, 16 at once\n")
    click.echo("| | images/s | of naive | CPU ms/image | of naive | peak MB |")
    click.echo("|---|---|---|---|---|---|")
    for name, rows in found.items():
        ours = _median(rows)
        click.echo(
            f"| {name} | {ours.images_per_second:.0f}"
            f" | {ours.images_per_second / naive.images_per_second:.2f}"
            f" | {ours.cpu_ms_per_image:.2f}"
            f" | {ours.cpu_ms_per_image / naive.cpu_ms_per_image:.2f}"
            f" | {ours.peak_megabytes:.0f} |"
        )


def _median(rows: list[Measured]) -> Measured:
    return Measured(
        statistics.median(row.images_per_second for row in rows),
        statistics.median(row.cpu_ms_per_image for row in rows),
        statistics.median(row.peak_megabytes for row in rows),
    )


def _measure(server: str, workload: Workload, contestant: Contestant, body: bytes) -> Measured:
    with (
        _database(server) as dsn,
        Upstreams(body) as upstreams,
        running(contestant, dsn, upstreams) as process,
    ):
        cpu_before = cpu_seconds(process.pid)
        _insert(dsn, workload.images, upstreams.source_port)
        ended_at = wait_until_ready(dsn, workload.images)
        seconds = ended_at - upstreams.first_request_at()
        cpu = cpu_seconds(process.pid) - cpu_before
        return Measured(
            workload.images / seconds, cpu * 1000 / workload.images, peak_megabytes(process.pid)
        )


def _latency(server: str) -> None:
    body = random_image(4096, "PNG", seed=1)
    click.echo("\nstart of a single row, commit to the source being asked\n")
    click.echo("| | p50 ms | p99 ms |")
    click.echo("|---|---|---|")
    for contestant in (OURS, NAIVE):
        rows = LATENCY_ROWS if contestant is OURS else LATENCY_ROWS // 10
        with (
            _database(server) as dsn,
            Upstreams(body) as upstreams,
            running(contestant, dsn, upstreams),
        ):
            waits = [_one_wait(dsn, upstreams, done) for done in range(1, rows + 1)]
        waits.sort()
        p99 = waits[int(len(waits) * 0.99) - 1]
        click.echo(f"| {contestant.name} | {statistics.median(waits):.1f} | {p99:.1f} |")


def _one_wait(dsn: str, upstreams: Upstreams, done: int) -> float:
    upstreams.forget()
    _insert(dsn, 1, upstreams.source_port)
    committed_at = time.monotonic()
    wait_until_ready(dsn, done)
    return max(0.0, (upstreams.first_request_at() - committed_at) * 1000)


def _insert(dsn: str, count: int, port: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO storyboards (source_url)"
            " SELECT 'http://127.0.0.1:' || %s || '/' || n FROM generate_series(1, %s) n",
            [str(port), count],
        )


@contextmanager
def _database(server: str) -> Iterator[str]:
    name = sql.Identifier(f"bench_{time.monotonic_ns()}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        dsn = psycopg.conninfo.make_conninfo(server, dbname=name.as_string().strip('"'))
        database = Database(dsn)
        schema.upgrade(database)
        database.close()
        yield psycopg_url(dsn)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def psycopg_url(dsn: str) -> str:
    """A conninfo as the URL that DATABASE_URL wants."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    return f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}"


if __name__ == "__main__":
    main()
