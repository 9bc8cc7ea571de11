"""Cancelling a deadline ends every wait at once."""

import socket
import ssl
import threading
from collections.abc import Callable

import httpx
import pytest

from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.dialing import VerifyingTls
from tests.integration.wire.clients import MakeClient
from tests.integration.wire.slow_peers import SOON_SECONDS, post_megabytes
from tests.support.scripted_server import Peer, ScriptedServer, answer, saying


class ObservedDeadline(Deadline):
    """Notes when a wait is about to begin.

    Only waits after the ``uses``-th time that a socket was put under the deadline count: the first
    is for connecting, over TLS the second for the handshake, the last for the exchange.
    """

    def __init__(self, uses: int) -> None:
        self.wait_begins = threading.Event()
        self._uses_to_come = uses
        super().__init__(60)

    @property
    def expired(self) -> bool:
        return super().remaining_seconds() <= 0

    def watch(self, sock: socket.socket) -> None:
        super().watch(sock)
        self._uses_to_come -= 1

    def remaining_seconds(self) -> float:
        seconds = super().remaining_seconds()
        if self._uses_to_come <= 0:
            self.wait_begins.set()
        return seconds


class Outcome:
    """How a request ended that ran in a thread of its own."""

    def __init__(self, send: Callable[[], object]) -> None:
        self.error: Exception | None = None
        self._send = send
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._send()
        except httpx.HTTPError as error:
            self.error = error

    def wait(self) -> Exception | None:
        self._thread.join(SOON_SECONDS)
        assert not self._thread.is_alive(), "it was not woken"
        return self.error


def cancelled_while_it_waits(
    deadline: ObservedDeadline, send: Callable[[], object]
) -> Exception | None:
    outcome = Outcome(send)
    assert deadline.wait_begins.wait(SOON_SECONDS)
    deadline.cancel()
    return outcome.wait()


@pytest.mark.parametrize(("scheme", "uses"), [("http", 2), ("https", 3)])
def test_cancelling_wakes_a_wait_for_a_head(
    make_client: MakeClient,
    server_tls: ssl.SSLContext,
    trusting_tls: VerifyingTls,
    scheme: str,
    uses: int,
) -> None:
    client = make_client(tls=trusting_tls)
    deadline = ObservedDeadline(uses)
    with ScriptedServer(Peer.read_to_end, tls=server_tls if scheme == "https" else None) as server:
        error = cancelled_while_it_waits(
            deadline, lambda: client.get(server.url(), extensions={"deadline": deadline})
        )
    assert isinstance(error, httpx.ReadTimeout)


@pytest.mark.parametrize(("scheme", "uses"), [("http", 2), ("https", 3)])
def test_cancelling_wakes_a_wait_for_a_body(
    make_client: MakeClient,
    server_tls: ssl.SSLContext,
    trusting_tls: VerifyingTls,
    scheme: str,
    uses: int,
) -> None:
    """A body that was cut off does not count as whole, although its end looks the same."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(b"HTTP/1.1 200 OK\r\n\r\nbeginning")
        peer.read_to_end()

    client = make_client(tls=trusting_tls)
    deadline = ObservedDeadline(uses)
    with (
        ScriptedServer(script, tls=server_tls if scheme == "https" else None) as server,
        client.stream("GET", server.url(), extensions={"deadline": deadline}) as response,
    ):
        chunks = response.iter_raw()
        assert next(chunks) == b"beginning"
        deadline.wait_begins.clear()
        error = cancelled_while_it_waits(deadline, lambda: next(chunks))
    assert isinstance(error, httpx.ReadTimeout)


def test_a_body_cut_off_between_two_waits_does_not_count_as_whole(client: httpx.Client) -> None:
    class CancelledAfterALook(Deadline):
        armed = False

        @property
        def expired(self) -> bool:
            expired = super().expired
            if self.armed:
                self.cancel()
            return expired

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(b"HTTP/1.1 200 OK\r\n\r\nbeginning")
        peer.read_to_end()

    deadline = CancelledAfterALook(60)
    with (
        ScriptedServer(script) as server,
        client.stream("GET", server.url(), extensions={"deadline": deadline}) as response,
    ):
        chunks = response.iter_raw()
        assert next(chunks) == b"beginning"
        deadline.armed = True
        with pytest.raises(httpx.ReadTimeout):
            next(chunks)


def test_cancelling_wakes_a_writer(client: httpx.Client) -> None:
    given_up = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_head()
        given_up.wait(20)

    deadline = ObservedDeadline(2)
    with ScriptedServer(script) as server:
        error = cancelled_while_it_waits(
            deadline, lambda: post_megabytes(client, server.url(), deadline)
        )
        given_up.set()
    assert isinstance(error, httpx.WriteError | httpx.WriteTimeout)


def test_cancelling_wakes_a_connect(client: httpx.Client, full_listener: str) -> None:
    deadline = ObservedDeadline(1)
    error = cancelled_while_it_waits(
        deadline, lambda: client.get(full_listener, extensions={"deadline": deadline})
    )
    assert isinstance(error, httpx.ConnectTimeout)


def test_cancelling_wakes_a_tls_handshake(client: httpx.Client) -> None:
    deadline = ObservedDeadline(2)
    with ScriptedServer(Peer.read_to_end) as server:
        url = server.url().replace("http", "https")
        error = cancelled_while_it_waits(
            deadline, lambda: client.get(url, extensions={"deadline": deadline})
        )
    assert isinstance(error, httpx.ConnectError)


def test_a_deadline_cancelled_before_sends_nothing(client: httpx.Client) -> None:
    deadline = Deadline(60)
    deadline.cancel()
    with ScriptedServer(saying(answer(b"x"))) as server:
        with pytest.raises(httpx.ConnectTimeout):
            client.get(server.url(), extensions={"deadline": deadline})
        assert server.connections == 0
