"""The peers as contestants: each queue, with and without the comparison of hashes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.peers.installed import Peers
from tests.benchmarks.peers.producing import QueuedRows
from tests.benchmarks.peers.redis_server import Redis
from tests.benchmarks.rows import Rows
from tests.benchmarks.server import BenchDatabase

# Names, and modules in ``node/queues``.
ON_POSTGRES = {
    "BullMQ on Postgres": "bullmq_postgres",
    "pg-boss": "pg_boss",
    "Graphile Worker": "graphile_worker",
}
ON_REDIS = {"BullMQ on Redis": "bullmq"}


@dataclass(frozen=True)
class Peer(Contestant):
    """``producer`` is the command line of the process that adds its jobs."""

    producer: tuple[str, ...] = ()

    def rows(self, database: BenchDatabase) -> Rows:
        return QueuedRows(self.producer, self.settings, database)


def peer_contestants(peers: Peers, redis: Redis | None) -> list[Peer]:
    """All that can be measured: without a Redis, those on Postgres."""
    queues = {**(ON_REDIS if redis else {}), **ON_POSTGRES}
    settings = {"REDIS_URL": redis.url} if redis else {}
    return [
        Peer(
            name,
            (str(peers.scripts / "worker.mjs"), queue, "{at_once}"),
            settings,
            announced=True,
            program=str(peers.node),
            producer=(str(peers.node), str(peers.scripts / "producer.mjs"), queue),
        )
        for name, queue in queues.items()
    ]


def by_size(contestants: Sequence[Peer]) -> list[Peer]:
    """The same, comparing the size of what is stored alone."""
    return [
        replace(
            peer, name=f"{peer.name}, size", settings={**peer.settings, "VERIFY_STORED": "size"}
        )
        for peer in contestants
    ]
