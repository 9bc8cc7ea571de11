"""Where a request is sent, and how the server proves its name."""

import hashlib
import socket
import ssl
import threading
from collections.abc import Callable

import httpx
import pytest

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.resolve import (
    MOST_LOOKUPS,
    Resolver,
    SocketAddress,
    resolve_any,
)
from tests.support.scripted_server import (
    Peer,
    Script,
    ScriptedServer,
    answer,
    closing_after,
    saying,
)

MakeClient = Callable[..., httpx.Client]


def leading_to(*ports: int) -> Resolver:
    """Every host lies on loopback, at these ports."""

    def resolve(host: str, port: int) -> list[SocketAddress]:
        return [(socket.AF_INET, ("127.0.0.1", port)) for port in ports]

    return resolve


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
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext
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


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost."])
def test_tls_with_a_trusted_certificate(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext, host: str
) -> None:
    with ScriptedServer(saying(answer(b"secret")), tls=server_tls) as server:
        client = make_client(resolve=leading_to(server.port), tls=trusting_tls)
        for _ in range(3):
            assert client.get(server.url(host=host)).content == b"secret"
        # A session ticket that came late is no reason to give a connection up.
        assert server.connections == 1
        client.close()


def refused(tls: ssl.SSLContext) -> Script:
    """The script of a server whose certificate the client refuses."""

    def script(peer: Peer) -> None:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            tls.wrap_socket(peer.sock, server_side=True).recv(1)

    return script


@pytest.mark.parametrize("host", ["other.test", "127.0.0.2"])
def test_a_certificate_for_another_host_is_refused(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext, host: str
) -> None:
    with ScriptedServer(refused(server_tls)) as server:
        client = make_client(resolve=leading_to(server.port), tls=trusting_tls)
        with pytest.raises(httpx.ConnectError, match=r"mismatch|not valid for") as caught:
            client.get(f"https://{host}/path?query")
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("host", ["a_b.wild.test", "A_B.wild.test.", "b_c.test"])
def test_a_name_with_an_underscore_is_found_in_the_certificate(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext, host: str
) -> None:
    with ScriptedServer(saying(answer(b"secret")), tls=server_tls) as server:
        client = make_client(resolve=leading_to(server.port), tls=trusting_tls)
        assert client.get(f"https://{host}/").content == b"secret"
        client.close()


@pytest.mark.parametrize("host", ["a_b.test", "a_b.c.wild.test", "wild_test", "a_b.wild.test.evil"])
def test_a_name_with_an_underscore_that_is_not_there_is_refused(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext, host: str
) -> None:
    def script(peer: Peer) -> None:
        assert peer.read_to_end() == b""

    with ScriptedServer(script, tls=server_tls) as server:
        client = make_client(resolve=leading_to(server.port), tls=trusting_tls)
        with pytest.raises(httpx.ConnectError, match="is not for"):
            client.get(f"https://{host}/path?query")


def test_a_name_with_an_underscore_needs_a_trusted_certificate_as_well(
    make_client: MakeClient, server_tls: ssl.SSLContext
) -> None:
    with ScriptedServer(refused(server_tls)) as server:
        client = make_client(resolve=leading_to(server.port))
        with pytest.raises(httpx.ConnectError, match="self-signed"):
            client.get("https://a_b.wild.test/")


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


def test_a_certificate_without_a_known_authority_is_refused(
    make_client: MakeClient, server_tls: ssl.SSLContext
) -> None:
    """The default context verifies certificates."""
    with ScriptedServer(refused(server_tls)) as server:
        client = make_client(resolve=leading_to(server.port))
        with pytest.raises(httpx.ConnectError, match="self-signed"):
            client.get("https://localhost/")


def test_a_peer_without_tls_is_a_connect_error(client: httpx.Client) -> None:
    with (
        ScriptedServer(lambda peer: peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
        pytest.raises(httpx.ConnectError),
    ):
        client.get(server.url().replace("http", "https"))


def test_the_server_is_told_the_name(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext
) -> None:
    names: list[str | None] = []
    server_tls.sni_callback = lambda _sock, name, _context: names.append(name)
    with ScriptedServer(closing_after(answer(b"x")), tls=server_tls) as server:
        client = make_client(resolve=leading_to(server.port), tls=trusting_tls)
        client.get("https://localhost./")
    assert names == ["localhost"]


def test_megabytes_over_tls_arrive_as_they_were(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext
) -> None:
    data = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(150_000))

    def echo(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(peer.read_body(len(data)), "Connection: close"))

    with ScriptedServer(echo, tls=server_tls) as server:
        response = make_client(tls=trusting_tls).post(
            server.url(),
            content=(data[at : at + 100_000] for at in range(0, len(data), 100_000)),
            headers={"Content-Length": str(len(data))},
        )
    assert response.content == data
