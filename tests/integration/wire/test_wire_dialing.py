"""Where a request is sent, and how the server proves its name."""

import socket
import ssl
import threading
from concurrent.futures import Future

import httpx
import pytest

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.dialing import VerifyingTls
from storyboard_worker.wire.resolve import (
    MOST_LOOKUPS,
    SocketAddress,
    resolve_any,
)
from tests.integration.wire.clients import MakeClient
from tests.integration.wire.names import leading_to
from tests.support.scripted_server import (
    Peer,
    ScriptedServer,
    answer,
    closing_after,
)


def test_the_connection_goes_where_the_resolver_says(make_client: MakeClient) -> None:
    heads: list[bytes] = []

    def script(peer: Peer) -> None:
        heads.append(peer.read_head())
        peer.say(answer(b"x"))

    asked: list[tuple[str, int]] = []

    with ScriptedServer(script) as server:
        there = leading_to(server.port)

        def resolve(host: str, port: int) -> list[SocketAddress]:
            asked.append((host, port))
            return there(host, port)

        make_client(resolve=resolve).get("http://images.test/a")
    assert asked == [("images.test", 80)]
    assert b"\r\nHost: images.test\r\n" in heads[0]


def test_the_resolver_is_asked_for_the_name_that_the_network_knows(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls
) -> None:
    with ScriptedServer(closing_after(answer(b"x")), tls=server_tls) as server:
        asked: list[str] = []

        def resolve(host: str, port: int) -> list[SocketAddress]:
            asked.append(host)
            return leading_to(server.port)(host, port)

        make_client(resolve=resolve, tls=trusting_tls).get("https://b\u00fccher.test/")
    assert asked == ["xn--bcher-kva.test"]


def test_each_address_is_tried(make_client: MakeClient, refusing_port: int) -> None:
    with ScriptedServer(closing_after(answer(b"x"))) as server:
        client = make_client(resolve=leading_to(refusing_port, server.port))
        assert client.get("http://images.test/").content == b"x"


def test_a_port_that_does_not_listen_is_a_connect_error(
    make_client: MakeClient, refusing_port: int
) -> None:
    client = make_client(resolve=leading_to(refusing_port, refusing_port))
    with pytest.raises(httpx.ConnectError, match=r"images\.test.*refused") as caught:
        client.get("http://images.test/path?query")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_a_host_without_an_address_is_a_connect_error(make_client: MakeClient) -> None:
    with pytest.raises(httpx.ConnectError, match="no address"):
        make_client(resolve=leading_to()).get("http://images.test/")


def test_an_unknown_host_is_a_connect_error(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(httpx.ConnectError, match=r"images\.test.*not known") as caught:
        make_client().get("http://images.test/")
    assert isinstance(caught.value.__cause__, socket.gaierror)


@pytest.mark.parametrize("host", ["a..localhost", "a" * 64 + ".localhost"])
def test_a_name_that_cannot_exist_is_unknown(host: str) -> None:
    with pytest.raises(socket.gaierror):
        resolve_any(host, 80)


def test_what_the_resolver_raises_passes_through(make_client: MakeClient) -> None:
    blocked = AttemptError(ErrorCode.SOURCE_BLOCKED, "not there", upstream="images.test")

    def resolve(host: str, port: int) -> list[SocketAddress]:
        raise blocked

    with pytest.raises(AttemptError) as caught:
        make_client(resolve=resolve).get("http://images.test/")
    assert caught.value is blocked


def test_other_schemes_are_refused(client: httpx.Client) -> None:
    with pytest.raises(httpx.UnsupportedProtocol, match="ftp"):
        client.get("ftp://localhost/")


def test_a_name_server_that_is_dead_is_not_waited_for(make_client: MakeClient) -> None:
    """The look-up is left behind. Only a bounded number may be."""
    answered = threading.Event()
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[SocketAddress]:
        asked.append(host)
        assert answered.wait(20)
        return []

    client = make_client(resolve=resolve, connect_timeout_seconds=0.01)
    try:
        for number in range(MOST_LOOKUPS + 3):
            with pytest.raises(httpx.ConnectTimeout, match="no address"):
                client.get(f"http://images-{number}.test/")
        assert len(asked) == MOST_LOOKUPS
    finally:
        answered.set()


class ComesAsTheWaitEnds(Future[list[SocketAddress]]):
    """The answer comes just as this wait is given up."""

    def result(self, timeout: float | None = None) -> list[SocketAddress]:
        found = super().result()
        if timeout is not None:
            raise TimeoutError
        return found


def test_an_address_that_comes_as_a_wait_ends_is_no_time_out(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storyboard_worker.wire.resolve.Future", ComesAsTheWaitEnds)
    with ScriptedServer(closing_after(answer(b"x"))) as server:
        client = make_client(resolve=leading_to(server.port))
        assert client.get("http://images.test/a").content == b"x"


def test_a_look_up_ends_when_its_attempt_is_cancelled(make_client: MakeClient) -> None:
    answered, asked = threading.Event(), threading.Event()
    deadline = Deadline(60)

    def resolve(host: str, port: int) -> list[SocketAddress]:
        asked.set()
        assert answered.wait(20)
        return []

    def cancel() -> None:
        assert asked.wait(20)
        deadline.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        with pytest.raises(httpx.ConnectTimeout):
            make_client(resolve=resolve).get(
                "http://images.test/", extensions={"deadline": deadline}
            )
    finally:
        answered.set()
        canceller.join()
