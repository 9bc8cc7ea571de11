"""Every wait ends with the deadline, and at once when the deadline is cancelled."""

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from storyboard_worker.wire.deadline import Deadline
from tests.support.scripted_server import Peer, Script, ScriptedServer, answer, saying

MakeClient = Callable[..., httpx.Client]

MEGABYTE = bytes(1024 * 1024)
# Far below the time-outs of the clients here, and of pytest.
SOON_SECONDS = 10.0


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


@pytest.fixture
def full_listener() -> Iterator[str]:
    """The URL of a port whose queue is full, and which accepts no connection."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.settimeout(0)
            sock.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for sock in waiting:
            sock.close()


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


def post_megabytes(client: httpx.Client, url: str, deadline: Deadline) -> httpx.Response:
    return client.post(
        url,
        content=iter([MEGABYTE] * 100),
        headers={"Content-Length": str(len(MEGABYTE) * 100)},
        extensions={"deadline": deadline},
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
    trusting_tls: ssl.SSLContext,
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
    trusting_tls: ssl.SSLContext,
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


def test_a_deadline_of_the_past_does_not_touch_a_kept_connection(client: httpx.Client) -> None:
    with ScriptedServer(saying(answer(b"x"))) as server:
        deadline = Deadline(60)
        client.get(server.url(), extensions={"deadline": deadline})
        deadline.cancel()
        assert client.get(server.url()).content == b"x"
        assert server.connections == 1
        client.close()
