"""Connections are shared by threads, and kept apart by origin and transport."""

import hashlib
import os
import random
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from storyboard_worker.wire.pool import IdleConnections
from tests.integration.wire.clients import MakeClient
from tests.support.scripted_server import Peer, ScriptedServer, answer, saying


def test_origins_do_not_share_connections(client: httpx.Client) -> None:
    with (
        ScriptedServer(saying(answer(b"a"))) as one,
        ScriptedServer(saying(answer(b"b"))) as other,
    ):
        for _ in range(3):
            assert client.get(one.url()).content == b"a"
            assert client.get(other.url()).content == b"b"
        assert (one.connections, other.connections) == (1, 1)
        client.close()


def echo(peer: Peer) -> None:
    while head := peer.read_head():
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        peer.say(answer(peer.read_body(length)))


def test_many_threads_do_not_mix_their_bytes(client: httpx.Client) -> None:
    """Each body passes twice: the echo of one request is the body of the next."""
    threads, rounds, size = 12, 3, 5_000_000
    most_at_once = threads * 2

    def chunks(data: bytes, source: random.Random) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            step = source.choice([1, 700, 16_384, 65_536, 300_000])
            yield data[at : at + step]
            at += step

    def copy(number: int) -> None:
        source = random.Random(number)
        headers = {"Content-Length": str(size)}
        for _ in range(rounds):
            data = source.randbytes(size)
            with client.stream(
                "POST", server.url(), content=chunks(data, source), headers=headers
            ) as echoed:
                again = client.post(server.url(), content=echoed.iter_raw(), headers=headers)
            assert hashlib.md5(again.content).digest() == hashlib.md5(data).digest()

    with ScriptedServer(echo) as server, ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(copy, number) for number in range(threads)]:
            done.result()
        assert server.connections <= most_at_once
        client.close()


def test_a_thousand_descriptors_are_no_limit(client: httpx.Client) -> None:
    """select(2) would fail from descriptor 1024 on."""

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip("this machine allows no more descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(1050)]
    try:
        with ScriptedServer(saying(answer(b"x"))) as server:
            for _ in range(2):
                assert client.get(server.url()).content == b"x"
            client.close()
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_transports_share_the_room_and_not_their_connections(make_client: MakeClient) -> None:
    """An address that one resolver allows may be refused by the other."""
    idle = IdleConnections(most=2)
    one, other = make_client(idle=idle), make_client(idle=idle)
    with ScriptedServer(saying(answer(b"x"))) as server:
        for client in (one, other):
            client.get(server.url())
        assert server.connections == 2
        assert idle.evict() == 2
