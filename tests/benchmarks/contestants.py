"""The processes that are compared."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.benchmarks.checks import check, wait_until
from tests.benchmarks.rows import Rows
from tests.benchmarks.sampling import trees
from tests.benchmarks.server import BenchDatabase
from tests.benchmarks.upstreams import Upstreams
from tests.support.process_environment import environment


@dataclass(frozen=True)
class Contestant:
    """``arguments`` are those of ``program``. With ``announced`` it writes a line when it is ready
    for rows."""

    name: str
    arguments: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict, hash=False)
    announced: bool = False
    program: str = sys.executable

    def rows(self, database: BenchDatabase) -> Rows:
        """The rows of a measurement, as this contestant wants them."""
        return Rows(database)


OURS = Contestant("storyboard-worker", ("-m", "storyboard_worker", "run"))
OURS_SIZE = Contestant("storyboard-worker, size", OURS.arguments, {"VERIFY_STORED": "size"})
# Two worker processes under one parent, and with PORT one more for HTTP.
OURS_TWO = Contestant(
    "storyboard-worker, size, 2 processes",
    OURS.arguments,
    {"VERIFY_STORED": "size", "PROCESSES": "2"},
)
_NAIVE = ("-m", "tests.benchmarks.naive")
NAIVE = Contestant("naive loop", (*_NAIVE, "kept", "{at_once}"), announced=True)
ANEW = Contestant("naive loop, connecting anew", (*_NAIVE, "anew", "{at_once}"), announced=True)


@contextmanager
def running(
    contestant: Contestant, database_url: str, upstreams: Upstreams, at_once: int
) -> Iterator[subprocess.Popen[str]]:
    """The process of a contestant, which is killed at the end."""
    settings = {
        "DATABASE_URL": database_url,
        "CLOUDINARY_CLOUD_NAME": "bench",
        "CLOUDINARY_API_KEY": "benchmark-key",
        "CLOUDINARY_API_SECRET": "benchmark-secret",
        "CLOUDINARY_UPLOAD_PREFIX": upstreams.storage_url,
        "SOURCE_ALLOW_PRIVATE": "true",
        "MAX_IMAGE_BYTES": "100000000",
        "WORKER_CONCURRENCY": str(at_once),
        **contestant.settings,
    }
    if upstreams.certificate:
        for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
            settings[name] = str(upstreams.certificate.certificate)
    process = subprocess.Popen(
        [contestant.program, *(text.format(at_once=at_once) for text in contestant.arguments)],
        env=environment(settings),
        stdout=subprocess.PIPE if contestant.announced else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until_idle(contestant: Contestant, process: subprocess.Popen[str], rows: Rows) -> None:
    """Wait until it is connected and ready for rows."""
    if contestant.announced:
        assert process.stdout is not None
        process.stdout.readline()
    else:
        workers = int(contestant.settings.get("PROCESSES", "1"))
        wait_until(
            lambda: (
                has_ended(process)
                or (rows.have_workers(trees([process.pid]), workers) and rows.are_left_alone())
            ),
            f"{contestant.name} to wait for rows",
            every_seconds=0.1,
        )
    check_running(contestant, process)


def has_ended(process: subprocess.Popen[str]) -> bool:
    return process.poll() is not None


def check_running(contestant: Contestant, process: subprocess.Popen[str]) -> None:
    check(not has_ended(process), f"{contestant.name} ended by itself, {process.returncode}")
