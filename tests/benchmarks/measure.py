"""One measurement: rows are inserted, and it lasts until all of them are ready."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from tests.benchmarks.checks import wait_until
from tests.benchmarks.contestants import Contestant, check_running, running, wait_until_idle
from tests.benchmarks.rows import Rows
from tests.benchmarks.sampling import (
    Sample,
    Sampler,
    cpu_seconds,
    peak_megabytes,
    shared_megabytes,
    trees,
)
from tests.benchmarks.server import fresh_database
from tests.benchmarks.stage import Stage
from tests.benchmarks.upstreams import Conditions, Upstreams

NS_PER_SECOND = 1e9
LOOK_SECONDS = 0.02
LOOK_FOR_FAILED_SECONDS = 1.0
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Load:
    """``at_once`` is the concurrency of each of ``processes``."""

    conditions: Conditions
    images: int
    at_once: int = 16
    processes: int = 1


@dataclass(frozen=True)
class Copied:
    """``seconds`` run from the first request to the source, to the last row that is ready;
    ``stored_seconds`` to the last image that is stored. ``shared_megabytes`` are those at the end,
    with what several processes share counted once. ``handshakes``: those of TLS,
    and how many of them went on with an earlier session. Start-up counts only among the
    transactions: it is small there, and cannot be told apart."""

    images: int
    seconds: float
    stored_seconds: float
    cpu_ms_per_image: float
    peak_megabytes: float
    postgres_cpu_ms_per_image: float | None
    transactions_per_image: float | None
    samples: list[Sample]
    shared_megabytes: float | None = None
    handshakes: int | None = None
    resumed: int | None = None

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds


def measure(stage: Stage, contestant: Contestant, load: Load) -> Copied:
    """Raises :class:`CheckFailedError` unless all images were copied, once each and whole."""
    with fresh_database(stage.server) as database, stage.upstreams(load.conditions) as upstreams:
        before = database.transactions()
        with ExitStack() as stack:
            rows = stack.enter_context(contestant.rows(database))
            processes = [
                stack.enter_context(running(contestant, database.url, upstreams, load.at_once))
                for _ in range(load.processes)
            ]
            for process in processes:
                wait_until_idle(contestant, process, rows)
            copied = _Run(contestant, load.images, processes, rows, upstreams).measured(stage)
        upstreams.check_stored(load.images)
        transactions = database.transactions() - before - rows.transactions
    return replace(copied, transactions_per_image=transactions / load.images)


@dataclass
class _Run:
    contestant: Contestant
    images: int
    processes: Sequence[subprocess.Popen[str]]
    rows: Rows
    upstreams: Upstreams
    _look_for_failed_at: float = 0.0

    def measured(self, stage: Stage) -> Copied:
        pids = trees([process.pid for process in self.processes])
        sampler = Sampler(pids)
        cpu_before = cpu_seconds(pids)
        self.rows.insert(self.images, self.upstreams.source_url)
        postgres_before = stage.server.cpu_seconds()  # The insert of the harness does not count
        self._wait(sampler)
        ready_ns = time.monotonic_ns()
        cpu = cpu_seconds(pids) - cpu_before
        postgres = stage.server.cpu_seconds() - postgres_before
        tally = self.upstreams.tally()
        return Copied(
            images=self.images,
            seconds=(ready_ns - tally.first_request_ns) / NS_PER_SECOND,
            stored_seconds=(tally.last_stored_ns - tally.first_request_ns) / NS_PER_SECOND,
            cpu_ms_per_image=cpu * 1000 / self.images,
            peak_megabytes=peak_megabytes(pids),
            shared_megabytes=shared_megabytes(pids),
            postgres_cpu_ms_per_image=postgres * 1000 / self.images,
            transactions_per_image=None,
            samples=sampler.samples,
            handshakes=tally.connections if self.upstreams.certificate else None,
            resumed=tally.resumed if self.upstreams.certificate else None,
        )

    def _wait(self, sampler: Sampler) -> None:
        """The upstreams are asked first: to count rows all the time would slow Postgres down."""
        wait_until(
            lambda: self._all_arrived(sampler),
            f"{self.images} images of {self.contestant.name} to be stored",
            within_seconds=PATIENCE_SECONDS,
            every_seconds=LOOK_SECONDS,
        )
        self.rows.wait_until_ready(self.images)

    def _all_arrived(self, sampler: Sampler) -> bool:
        for process in self.processes:
            check_running(self.contestant, process)
        tally = self.upstreams.tally()
        sampler.look(tally.stored)
        if time.monotonic() > self._look_for_failed_at:
            self._look_for_failed_at = time.monotonic() + LOOK_FOR_FAILED_SECONDS
            self.rows.all_ready(self.images)
        return tally.stored + tally.mismatched >= self.images
