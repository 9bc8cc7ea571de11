"""Connections are kept, shared, and given up in time."""

import socket
import threading

import httpx
import pytest

from storyboard_worker.wire.pool import IdleConnections
from tests.integration.wire.clients import MakeClient
from tests.support.scripted_server import Peer, ScriptedServer, answer, saying

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        answer(b"x"),
        answer(b""),
        CHUNKED,
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"x"),
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
    ],
)
def test_a_connection_serves_many_requests(client: httpx.Client, said: bytes) -> None:
    with ScriptedServer(saying(said)) as server:
        for _ in range(5):
            client.get(server.url())
        assert server.connections == 1
        client.close()


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("HEAD", answer(b"")),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_ends_the_connection(
    client: httpx.Client, method: str, said: bytes
) -> None:
    """If a peer sends a body all the same, it would look like the next answer."""
    with ScriptedServer(saying(said)) as server:
        for _ in range(3):
            assert client.request(method, server.url()).content == b""
        assert server.connections == 3


def test_bytes_that_come_unasked_are_no_answer(client: httpx.Client) -> None:
    """The bytes are in the kept connection before the next request is sent."""
    unasked = threading.Event()

    def first(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(b"first"))
        read.wait(20)
        peer.say(answer(b"unasked"))
        unasked.set()
        peer.read_to_end()

    read = threading.Event()
    with ScriptedServer(first, saying(answer(b"second"))) as server:
        assert client.get(server.url()).content == b"first"
        read.set()
        assert unasked.wait(20)
        assert client.get(server.url()).content == b"second"
        client.close()


def test_an_empty_answer_need_not_be_read(client: httpx.Client) -> None:
    """A redirect is an example: only its head is looked at."""
    with ScriptedServer(saying(answer(b"", "Location: /b", status="302 Found"))) as server:
        for _ in range(3):
            with client.stream("GET", server.url()):
                pass
        assert server.connections == 1
        client.close()


@pytest.mark.parametrize(
    "said",
    [
        answer(b"x", "Connection: close"),
        answer(b"x", "Connection: Foo, Close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        # More bytes than were asked for.
        answer(b"x") + b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_a_connection_is_closed_when_it_may_not_serve_another(
    client: httpx.Client, said: bytes
) -> None:
    ends: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(said)
        ends.append(peer.read_to_end())

    with ScriptedServer(script) as server:
        assert client.get(server.url()).content == b"x"
        assert client.get(server.url()).content == b"x"
        assert server.connections == 2
    assert ends == [b"", b""]


def test_a_client_that_says_close_closes(client: httpx.Client) -> None:
    with ScriptedServer(saying(answer(b"x"))) as server:
        for _ in range(2):
            client.get(server.url(), headers={"Connection": "close"})
        assert server.connections == 2


def test_a_response_closed_early_closes_its_connection(client: httpx.Client) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        assert peer.read_to_end() == b""

    with ScriptedServer(script) as server:
        for _ in range(2):
            with client.stream("GET", server.url()) as response:
                assert next(response.iter_raw()) == b"half"
        assert server.connections == 2


def test_a_response_that_is_not_read_closes_its_connection(client: httpx.Client) -> None:
    closed = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        assert peer.read_to_end() == b""
        closed.set()

    with ScriptedServer(script) as server:
        with client.stream("GET", server.url()) as response:
            pass
        assert closed.wait(20)
        assert not response.is_stream_consumed


def test_a_body_that_ends_with_the_connection_ends_it_on_both_sides(client: httpx.Client) -> None:
    closed = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        peer.sock.shutdown(socket.SHUT_WR)
        assert peer.read_to_end() == b""
        closed.set()

    with ScriptedServer(script) as server:
        assert client.get(server.url()).content == b"all of it"
        assert closed.wait(20)


def test_a_connection_that_idled_too_long_is_not_used(make_client: MakeClient) -> None:
    client = make_client(idle=IdleConnections(0.0))
    with ScriptedServer(saying(answer(b"x"))) as server:
        client.get(server.url())
        client.get(server.url())
        assert server.connections == 2
        client.close()


def test_a_connection_the_peer_has_closed_is_not_used(client: httpx.Client) -> None:
    """It is noticed before the request is sent, so a request with a body is safe too."""
    closed = threading.Event()

    def first(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(b"first"))
        peer.sock.close()
        closed.set()

    def second(peer: Peer) -> None:
        peer.read_head()
        assert peer.read_body(4) == b"body"
        peer.say(answer(b"second", "Connection: close"))

    with ScriptedServer(first, second) as server:
        assert client.get(server.url()).content == b"first"
        assert closed.wait(20)
        assert client.post(server.url(), content=b"body").content == b"second"


def test_a_connection_that_ends_after_close_is_closed_too(client: httpx.Client) -> None:
    # Leaving the server waits until the client has closed.
    with (
        ScriptedServer(saying(answer(b"x"))) as server,
        client.stream("GET", server.url()) as response,
    ):
        client.close()
        assert response.read() == b"x"
