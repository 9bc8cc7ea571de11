"""All workloads by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.benchmarks.report import Report
from tests.benchmarks.stage import Stage
from tests.benchmarks.workloads.backlog import backlog
from tests.benchmarks.workloads.board import board
from tests.benchmarks.workloads.copying import four_kilobytes, large, one_megabyte, with_tls
from tests.benchmarks.workloads.database import database
from tests.benchmarks.workloads.idle import idle
from tests.benchmarks.workloads.image_route import image_route
from tests.benchmarks.workloads.interpreters import interpreters
from tests.benchmarks.workloads.migration import migration
from tests.benchmarks.workloads.network import bandwidth, waiting
from tests.benchmarks.workloads.peers import peers
from tests.benchmarks.workloads.scale import scale
from tests.benchmarks.workloads.snapshot import snapshot
from tests.benchmarks.workloads.start import start


@dataclass(frozen=True)
class Workload:
    name: str
    summary: str
    run: Callable[[Stage], Sequence[Report]]


_ALL = (
    Workload("1mb", "1 MB images, 16 at once, beside two naive loops and a floor", one_megabyte),
    Workload("4kb", "4 KB images, the same", four_kilobytes),
    Workload("waiting", "upstreams that take 300 and 500 ms, 64 at once", waiting),
    Workload("bandwidth", "8 MB images over 8 MB/s for each connection", bandwidth),
    Workload("start", "from a row's commit to the request to its source", start),
    Workload("large", "30 MB images: memory", large),
    Workload("idle", "what a worker with nothing to do costs", idle),
    Workload("backlog", "a million pending rows, ten million ready ones", backlog),
    Workload("snapshot", "a transaction that stays open for minutes", snapshot),
    Workload("migration", "a million waiting rows are migrated under traffic", migration),
    Workload("scale", "1, 2, 4 and 8 workers, and 1 and 2 processes of one", scale),
    Workload("tls", "1 MB and 4 KB images with TLS on both sides", with_tls),
    Workload("peers", "beside BullMQ, pg-boss and Graphile Worker, from npm", peers),
    Workload("interpreters", "the worker on other Pythons, named by --python", interpreters),
    Workload("image_route", "pages ask for pictures, 1,000 times a second", image_route),
    Workload("board", "the board's first page, and ten open pages beside the worker", board),
    Workload("database", "transactions for each image", database),
)
WORKLOADS = {workload.name: workload for workload in _ALL}
