"""The setting of a run, made before anything is measured."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.certificate import certificate_in
from tests.benchmarks.native.build import Binaries, build
from tests.benchmarks.server import Server, running_server
from tests.benchmarks.upstreams import Conditions, Upstreams


@dataclass(frozen=True)
class Options:
    """What the person asked for. ``quick``: few images, to try the harness itself. ``server``:
    the Postgres to use instead of one of the run's own. ``pythons``: interpreters to compare."""

    rounds: int
    quick: bool
    snapshot_minutes: float
    server: str | None
    pythons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    options: Options
    folder: Path
    binaries: Binaries
    server: Server

    def sized(self, usual: int, quick: int) -> int:
        """The number of images, rows or seconds to measure."""
        return quick if self.options.quick else usual

    def upstreams(self, conditions: Conditions) -> Upstreams:
        certificate = certificate_in(self.folder) if conditions.tls else None
        return Upstreams(self.binaries.upstreams, self.folder, conditions, certificate)


@contextmanager
def set_up(options: Options) -> Iterator[Stage]:
    """Compiled programs and a Postgres. Files are below the system's temporary folder."""
    with tempfile.TemporaryDirectory(
        prefix="storyboard-bench-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        binaries = build(folder)
        with running_server(folder, options.server) as server:
            yield Stage(options, folder, binaries, server)
