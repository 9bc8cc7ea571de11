"""Peers that send slowly, endlessly or read nothing, and requests to them."""

from contextlib import suppress

import httpx

from storyboard_worker.wire.deadline import Deadline
from tests.support.scripted_server import Peer

MEGABYTE = bytes(1024 * 1024)
# Far below the time-outs of the clients here, and of pytest.
SOON_SECONDS = 10.0


def dripping_head(peer: Peer) -> None:
    peer.read_head()
    peer.say(b"HTTP/1.1 200 OK\r\nX-Long: ")
    peer.drip(b"x")


def dripping_interim_answers(peer: Peer) -> None:
    peer.read_head()
    peer.drip(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def dripping_body(peer: Peer) -> None:
    peer.read_head()
    peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    peer.drip(b"x")


def dripping_chunks(peer: Peer) -> None:
    peer.read_head()
    peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"1\r\nx\r\n")


def dripping_without_length(peer: Peer) -> None:
    peer.read_head()
    peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
    peer.drip(b"x")


def flooding(peer: Peer) -> None:
    peer.read_head()
    peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
    with suppress(ConnectionError):
        while True:
            peer.say(MEGABYTE)


def post_megabytes(client: httpx.Client, url: str, deadline: Deadline) -> httpx.Response:
    return client.post(
        url,
        content=iter([MEGABYTE] * 100),
        headers={"Content-Length": str(len(MEGABYTE) * 100)},
        extensions={"deadline": deadline},
    )
