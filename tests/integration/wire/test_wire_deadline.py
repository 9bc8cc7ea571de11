"""Every wait ends with the deadline, and at once when the deadline is cancelled."""

import itertools
import socket
import threading
import time

import httpx
import pytest

from storyboard_worker.wire.deadline import Deadline
from tests.integration.wire.clients import MakeClient
from tests.integration.wire.slow_peers import (
    SOON_SECONDS,
    dripping_body,
    dripping_chunks,
    dripping_head,
    dripping_interim_answers,
    dripping_without_length,
    flooding,
    post_megabytes,
)
from tests.support.scripted_server import Peer, Script, ScriptedServer, answer, saying


@pytest.mark.parametrize(
    "script",
    [
        dripping_head,
        dripping_interim_answers,
        dripping_body,
        dripping_chunks,
        dripping_without_length,
        flooding,
    ],
)
def test_neither_drip_nor_flood_outlasts_the_deadline(client: httpx.Client, script: Script) -> None:
    deadline = Deadline(0.3)
    begun = time.monotonic()
    with ScriptedServer(script) as server, pytest.raises(httpx.ReadTimeout):
        client.get(server.url(), extensions={"deadline": deadline})
    assert 0.25 < time.monotonic() - begun < SOON_SECONDS


def test_the_read_time_out_holds_without_a_deadline(make_client: MakeClient) -> None:
    client = make_client(read_timeout_seconds=0.2)
    with ScriptedServer(Peer.read_to_end) as server, pytest.raises(httpx.ReadTimeout):
        client.get(server.url())


def test_a_slow_answer_is_no_read_time_out(make_client: MakeClient) -> None:
    """The time-out bounds each wait, not the whole."""

    def script(peer: Peer) -> None:
        peer.read_head()
        for place in range(0, len(body := answer(b"0123456789" * 400)), 500):
            peer.say(body[place : place + 500])
            threading.Event().wait(0.05)

    client = make_client(read_timeout_seconds=0.2)
    with ScriptedServer(script) as server:
        assert client.get(server.url()).content == b"0123456789" * 400


@pytest.mark.parametrize(
    "script", [dripping_head, dripping_body, dripping_chunks, dripping_without_length]
)
def test_a_drip_is_a_read_time_out(make_client: MakeClient, script: Script) -> None:
    """A byte comes in time for each wait, and the whole would take hours."""
    client = make_client(read_timeout_seconds=0.3)
    deadline = Deadline(2 * SOON_SECONDS)
    begun = time.monotonic()
    with (
        ScriptedServer(script) as server,
        pytest.raises(httpx.ReadTimeout, match="less than 4096 bytes a second"),
    ):
        client.get(server.url(), extensions={"deadline": deadline})
    assert 0.25 < time.monotonic() - begun < SOON_SECONDS


def test_the_time_before_the_answer_begins_does_not_count(make_client: MakeClient) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        threading.Event().wait(0.25)
        for part in (answer(b"0123456789")[:-5], b"56789"):
            peer.say(part)
            threading.Event().wait(0.2)

    client = make_client(read_timeout_seconds=0.4)
    with ScriptedServer(script) as server:
        assert client.get(server.url()).content == b"0123456789"


def test_a_reader_that_drips_does_not_outlast_the_deadline(client: httpx.Client) -> None:
    given_up = threading.Event()

    def script(peer: Peer) -> None:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        while not given_up.wait(0.005):
            peer.sock.recv(1000)

    deadline = Deadline(0.3)
    with ScriptedServer(script) as server:
        with pytest.raises(httpx.WriteTimeout):
            post_megabytes(client, server.url(), deadline)
        given_up.set()


def test_a_reader_that_takes_everything_does_not_outlast_the_deadline(
    client: httpx.Client,
) -> None:
    with ScriptedServer(Peer.discard) as server, pytest.raises(httpx.WriteTimeout):
        client.post(
            server.url(),
            content=itertools.repeat(b"x" * 100),
            headers={"Content-Length": str(10**12)},
            extensions={"deadline": Deadline(0.3)},
        )


def test_a_connection_that_is_not_accepted_ends_with_its_time_out(
    make_client: MakeClient, full_listener: str
) -> None:
    with pytest.raises(httpx.ConnectTimeout):
        make_client(connect_timeout_seconds=0.2).get(full_listener)


def test_a_connection_that_is_not_accepted_ends_with_the_deadline(
    client: httpx.Client, full_listener: str
) -> None:
    begun = time.monotonic()
    with pytest.raises(httpx.ConnectTimeout):
        client.get(full_listener, extensions={"deadline": Deadline(0.2)})
    assert time.monotonic() - begun < SOON_SECONDS


def test_a_tls_handshake_ends_with_its_time_out(make_client: MakeClient) -> None:
    client = make_client(connect_timeout_seconds=0.2)
    with ScriptedServer(Peer.read_to_end) as server, pytest.raises(httpx.ConnectTimeout):
        client.get(server.url().replace("http", "https"))


def test_a_tls_handshake_ends_with_the_deadline(client: httpx.Client) -> None:
    with ScriptedServer(Peer.read_to_end) as server, pytest.raises(httpx.ConnectTimeout):
        client.get(server.url().replace("http", "https"), extensions={"deadline": Deadline(0.2)})


def test_a_deadline_of_the_past_does_not_touch_a_kept_connection(client: httpx.Client) -> None:
    with ScriptedServer(saying(answer(b"x"))) as server:
        deadline = Deadline(60)
        client.get(server.url(), extensions={"deadline": deadline})
        deadline.cancel()
        assert client.get(server.url()).content == b"x"
        assert server.connections == 1
        client.close()
