"""The processes that are compared, and how their CPU and memory are read."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.benchmarks.upstreams import Upstreams

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Contestant:
    name: str
    command: tuple[str, ...]
    settings: dict[str, str]


OURS = Contestant("storyboard-worker", ("-m", "storyboard_worker", "run"), {})
OURS_SIZE = Contestant(
    "storyboard-worker, VERIFY_STORED=size", OURS.command, {"VERIFY_STORED": "size"}
)
NAIVE = Contestant("naive loop", ("-m", "tests.benchmarks.naive", "16"), {})


@contextmanager
def running(
    contestant: Contestant, dsn: str, upstreams: Upstreams
) -> Iterator[subprocess.Popen[bytes]]:
    """The contestant, idle: started, connected, waiting for rows."""
    environment = os.environ | {
        "DATABASE_URL": dsn,
        "CLOUDINARY_CLOUD_NAME": "bench",
        "CLOUDINARY_API_KEY": "benchmark-key",
        "CLOUDINARY_API_SECRET": "benchmark-secret",
        "CLOUDINARY_UPLOAD_PREFIX": f"http://127.0.0.1:{upstreams.storage_port}",
        "SOURCE_ALLOW_PRIVATE": "true",
        "MAX_IMAGE_BYTES": "100000000",
        **contestant.settings,
    }
    process = subprocess.Popen(
        [sys.executable, *contestant.command], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until(lambda: _is_connected(dsn, process), "the contestant to connect")
        yield process
    finally:
        process.kill()
        process.wait()


def _is_connected(dsn: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the contestant ended by itself"
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state = 'idle'"
            " AND state_change < now() - interval '0.2 seconds'"
        ).fetchone()
    assert found is not None
    return bool(found[0])


def _wait_until(reached: Callable[[], bool], what: str, seconds: float = 120) -> None:
    ends_at = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < ends_at, f"waited in vain for {what}"
        time.sleep(0.05)


def wait_until_ready(dsn: str, count: int) -> float:
    """When all rows were ready, by the monotonic clock; fails if one failed."""
    with psycopg.connect(dsn, autocommit=True) as connection:

        def done() -> bool:
            found = connection.execute(
                "SELECT count(*) FILTER (WHERE status = 'ready'),"
                " count(*) FILTER (WHERE status = 'failed') FROM storyboards"
            ).fetchone()
            assert found is not None
            assert found[1] == 0, "a row failed"
            return bool(found[0] == count)

        _wait_until(done, "all rows to become ready", 600)
    return time.monotonic()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def peak_megabytes(pid: int) -> float:
    """The most memory a process has had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")
