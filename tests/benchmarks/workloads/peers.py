"""The worker beside job systems for Node that do the same work."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from tests.benchmarks.charts import copying_charts
from tests.benchmarks.comparison import Rivalry, copying_table, start_table
from tests.benchmarks.contestants import OURS, OURS_SIZE, OURS_TWO, Contestant
from tests.benchmarks.measure import Load, measure
from tests.benchmarks.peers.contestants import Peer, by_size, peer_contestants
from tests.benchmarks.peers.installed import PeersMissingError, installed, versions
from tests.benchmarks.peers.redis_server import redis_program, redis_version, running_redis
from tests.benchmarks.report import Report
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table
from tests.benchmarks.turns import take_turns
from tests.benchmarks.upstreams import Conditions
from tests.benchmarks.workloads.copying import title_of
from tests.benchmarks.workloads.interpreters import version_of
from tests.benchmarks.workloads.start import measure_start

# Targets by kind and figure.
Reach = dict[tuple[str, str], str]

HASH, SIZE = KINDS = ("hash", "size")
START_REACH = {"p50": "< 1.2", "p99": "< 5"}
BEST = "the best peer"
LIKE_WITH_LIKE = "«Of the best peer»: those with «size» beside the peers with «size»."
NO_WAIT = "The worker's lone claim does not wait for the disk. The peers on Postgres wait as usual."
NO_REDIS = "Not measured: BullMQ on Redis, because neither redis-server nor valkey-server is here."


@dataclass(frozen=True)
class Cast:
    """The peers that this machine can run, and the notes below each table."""

    peers: Sequence[Peer]
    notes: Sequence[str]
    pythons: Sequence[str]

    def ours(self, *kinds: Contestant) -> list[Contestant]:
        """``kinds`` of the worker, on this Python and on those of ``--python``."""
        others = {version_of(python): python for python in self.pythons}
        return [
            *kinds,
            *(
                replace(kind, name=f"{kind.name}, {version}", program=python)
                for version, python in others.items()
                for kind in kinds
            ),
        ]


def peers(stage: Stage) -> list[Report]:
    """Where npm is missing, a table that says so."""
    try:
        with _cast(stage) as cast:
            return [
                _one_megabyte(stage, cast),
                _four_kilobytes(stage, cast),
                _with_tls(stage, cast),
                _start(stage, cast),
            ]
    except PeersMissingError as error:
        return [Report(Table("peers", (), [], [f"Not measured: {error}."]), {})]


@contextmanager
def _cast(stage: Stage) -> Iterator[Cast]:
    found = installed(stage.folder)
    program = redis_program()
    pythons = stage.options.pythons
    if program is None:
        yield Cast(peer_contestants(found, None), [versions(), NO_REDIS], pythons)
        return
    with running_redis(program, stage.folder / "redis") as redis:
        notes = [f"{versions()}, Redis {redis_version(program)}, whose CPU is in no column."]
        yield Cast(peer_contestants(found, redis), notes, pythons)


def _one_megabyte(stage: Stage, cast: Cast) -> Report:
    load = Load(Conditions(1_000_000), stage.sized(1500, 100))
    reach = {
        (HASH, "speed"): "≥ 1.5",
        (SIZE, "speed"): "≥ 2",
        (HASH, "cpu"): "≤ 2.3",
        (SIZE, "cpu"): "≤ 1.1",
    }
    return _copying(stage, "peers-1mb", cast, load, reach)


def _four_kilobytes(stage: Stage, cast: Cast) -> Report:
    load = Load(Conditions(4096), stage.sized(5000, 400))
    reach = {(kind, "speed"): "≥ 2" for kind in KINDS} | {(kind, "cpu"): "≤ 0.5" for kind in KINDS}
    return _copying(stage, "peers-4kb", cast, load, reach)


def _with_tls(stage: Stage, cast: Cast) -> Report:
    load = Load(Conditions(1_000_000, tls=True), stage.sized(1000, 100))
    return _copying(stage, "peers-tls", cast, load, {(kind, "speed"): "≥ 1.8" for kind in KINDS})


def _copying(stage: Stage, name: str, cast: Cast, load: Load, reach: Reach) -> Report:
    ours = {HASH: cast.ours(OURS), SIZE: cast.ours(OURS_SIZE, OURS_TWO)}
    theirs = {HASH: cast.peers, SIZE: by_size(cast.peers)}
    contestants = [who for kind in KINDS for who in (*ours[kind], *theirs[kind])]
    runs = {who.name: partial(measure, stage, who, load) for who in contestants}
    found = take_turns(name, stage.options.rounds, runs)
    rivals = {
        who.name: [peer.name for peer in theirs[kind]]
        for kind in KINDS
        for who in (*ours[kind], *theirs[kind])
    }
    targets = {
        (who.name, what): target for (kind, what), target in reach.items() for who in ours[kind]
    }
    title = title_of(name, load)
    notes = [*cast.notes, LIKE_WITH_LIKE]
    table = copying_table(title, Rivalry(BEST, rivals, targets), found, notes)
    return Report(table, found, copying_charts(name, title, found))


def _start(stage: Stage, cast: Cast) -> Report:
    count = stage.sized(200, 30)
    ours = cast.ours(OURS)
    runs = {who.name: partial(measure_start, stage, who, count) for who in (*ours, *cast.peers)}
    found = take_turns("peers-start", stage.options.rounds, runs)
    reach = {(who.name, what): under for who in ours for what, under in START_REACH.items()}
    rivals = {who: [peer.name for peer in cast.peers] for who in runs}
    notes = [*cast.notes, NO_WAIT]
    title = f"peers-start: {count} single rows, from the commit, or the call that added the job"
    return Report(start_table(title, Rivalry(BEST, rivals, reach), found, notes), found)
