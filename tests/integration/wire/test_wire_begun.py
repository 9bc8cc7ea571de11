"""A request that is sent over an idle connection before its answer is waited for."""

import ssl
import threading
from collections.abc import Iterator

import httpx
import pytest

from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.dialing import VerifyingTls
from storyboard_worker.wire.reply import Reply
from storyboard_worker.wire.request import Request, Target, head_of
from storyboard_worker.wire.transport import Begun, Transport
from tests.support.scripted_server import Peer, ScriptedServer, answer, saying

WAIT_SECONDS = 20.0
ANSWERS = saying(answer(b"image"))


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport(connect_timeout_seconds=WAIT_SECONDS, read_timeout_seconds=WAIT_SECONDS)
    yield transport
    transport.close()


def request_for(server: ScriptedServer) -> Request:
    target = Target.of(httpx.URL(server.url()))
    return Request("GET", target.origin, head_of("GET", target, b""))


def body_of(reply: Reply) -> bytes:
    return b"".join(reply.body)


def fetch(transport: Transport, server: ScriptedServer) -> bytes:
    return body_of(transport.send(request_for(server), Deadline(WAIT_SECONDS)))


def begun(transport: Transport, server: ScriptedServer, deadline: Deadline) -> Begun:
    """After a request that leaves an idle connection."""
    assert fetch(transport, server) == b"image"
    found = transport.begin(request_for(server), deadline)
    assert found is not None
    return found


def test_nothing_is_begun_without_an_idle_connection(transport: Transport) -> None:
    with ScriptedServer(ANSWERS) as server:
        assert transport.begin(request_for(server), Deadline(WAIT_SECONDS)) is None
        assert server.connections == 0


def test_its_answer_is_read_later(transport: Transport) -> None:
    deadline = Deadline(WAIT_SECONDS)
    with ScriptedServer(ANSWERS) as server:
        first = begun(transport, server, deadline)
        assert body_of(transport.send(first.request, deadline, first)) == b"image"
        assert fetch(transport, server) == b"image"
        assert server.connections == 1
        transport.close()


def test_it_goes_over_tls(server_tls: ssl.SSLContext, trusting_tls: VerifyingTls) -> None:
    deadline = Deadline(WAIT_SECONDS)
    transport = Transport(
        tls=trusting_tls, connect_timeout_seconds=WAIT_SECONDS, read_timeout_seconds=WAIT_SECONDS
    )
    with ScriptedServer(ANSWERS, tls=server_tls) as server:
        first = begun(transport, server, deadline)
        assert body_of(transport.send(first.request, deadline, first)) == b"image"
        assert server.connections == 1
        transport.close()


def test_it_is_sent_before_its_answer_is_waited_for(transport: Transport) -> None:
    arrived = threading.Event()

    def two(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(b"image"))
        peer.read_head()
        arrived.set()
        peer.say(answer(b"image"))

    deadline = Deadline(WAIT_SECONDS)
    with ScriptedServer(two) as server:
        first = begun(transport, server, deadline)
        assert arrived.wait(WAIT_SECONDS)
        assert body_of(transport.send(first.request, deadline, first)) == b"image"


def test_a_peer_that_closes_in_between_is_asked_anew(transport: Transport) -> None:
    def once(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(b"image"))
        peer.read_head()

    deadline = Deadline(WAIT_SECONDS)
    with ScriptedServer(once, ANSWERS) as server:
        first = begun(transport, server, deadline)
        assert body_of(transport.send(first.request, deadline, first)) == b"image"
        assert server.connections == 2
        transport.close()


def test_one_that_is_not_used_closes_its_connection(transport: Transport) -> None:
    closed = threading.Event()

    def watching(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(b"image"))
        peer.read_to_end()
        closed.set()

    with ScriptedServer(watching, ANSWERS) as server:
        begun(transport, server, Deadline(WAIT_SECONDS)).close()
        assert closed.wait(WAIT_SECONDS)
        assert fetch(transport, server) == b"image"
        transport.close()


def test_a_cancelled_deadline_ends_it(transport: Transport) -> None:
    def silent(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(b"image"))
        peer.read_to_end()

    deadline = Deadline(WAIT_SECONDS)
    with ScriptedServer(silent) as server:
        first = begun(transport, server, deadline)
        deadline.cancel()
        with pytest.raises(httpx.TransportError):
            transport.send(first.request, deadline, first)
