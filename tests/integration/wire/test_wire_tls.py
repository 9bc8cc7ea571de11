"""TLS: the certificate must be trusted, and carry the name of the host."""

import hashlib
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from storyboard_worker.wire.dialing import VerifyingTls
from tests.integration.wire.clients import MakeClient
from tests.integration.wire.names import leading_to
from tests.support.scripted_server import (
    Peer,
    Script,
    ScriptedServer,
    answer,
    closing_after,
    saying,
)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost."])
def test_tls_with_a_trusted_certificate(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls, host: str
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
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls, host: str
) -> None:
    with ScriptedServer(refused(server_tls)) as server:
        client = make_client(resolve=leading_to(server.port), tls=trusting_tls)
        with pytest.raises(httpx.ConnectError, match=r"mismatch|not valid for") as caught:
            client.get(f"https://{host}/path?query")
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("host", ["a_b.wild.test", "A_B.wild.test.", "b_c.test"])
def test_a_name_with_an_underscore_is_found_in_the_certificate(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls, host: str
) -> None:
    with ScriptedServer(saying(answer(b"secret")), tls=server_tls) as server:
        client = make_client(resolve=leading_to(server.port), tls=trusting_tls)
        assert client.get(f"https://{host}/").content == b"secret"
        client.close()


def test_authorities_in_a_folder_count_for_a_name_with_an_underscore(
    make_client: MakeClient,
    server_tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy(certificate[0], tmp_path / "authority.pem")
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with ScriptedServer(saying(answer(b"secret")), tls=server_tls) as server:
        client = make_client(resolve=leading_to(server.port))
        assert client.get("https://a_b.wild.test/").content == b"secret"
        client.close()


@pytest.mark.parametrize("host", ["a_b.test", "a_b.c.wild.test", "wild_test", "a_b.wild.test.evil"])
def test_a_name_with_an_underscore_that_is_not_there_is_refused(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls, host: str
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
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls
) -> None:
    names: list[str | None] = []
    server_tls.sni_callback = lambda _sock, name, _context: names.append(name)
    with ScriptedServer(closing_after(answer(b"x")), tls=server_tls) as server:
        client = make_client(resolve=leading_to(server.port), tls=trusting_tls)
        client.get("https://localhost./")
    assert names == ["localhost"]


def test_megabytes_over_tls_arrive_as_they_were(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls
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


def handshakes(make_client: MakeClient, tls: VerifyingTls, *servers: ssl.SSLContext) -> list[bool]:
    """Whether each of these servers, asked in this order at one address, resumed a session.

    Each closes its connection after one answer.
    """
    resumed: list[bool] = []

    def script(server: ssl.SSLContext) -> Script:
        def play(peer: Peer) -> None:
            peer.sock = secured = server.wrap_socket(peer.sock, server_side=True)
            resumed.append(bool(secured.session_reused))
            peer.read_head()
            peer.say(answer(b"once", "Connection: close"))
            secured.close()

        return play

    with ScriptedServer(*map(script, servers)) as listening:
        client = make_client(tls=tls)
        for _ in servers:
            url = listening.url().replace("http:", "https:")
            assert client.get(url).content == b"once"
        client.close()
    return resumed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_later_connection_goes_on_with_the_session_of_an_earlier_one(
    make_client: MakeClient,
    server_tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    trusting_tls: VerifyingTls,
    version: ssl.TLSVersion,
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    server.maximum_version = version
    assert handshakes(make_client, trusting_tls, server, server, server) == [False, True, True]
    # One that does not know the session, such as a restarted one, is asked all the same.
    assert handshakes(make_client, trusting_tls, server, server_tls, server_tls) == [
        False,
        False,
        True,
    ]


def test_a_server_that_breaks_off_when_a_session_is_offered_is_asked_without_one(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls
) -> None:
    lengths: list[int] = []

    def script(peer: Peer) -> None:
        # A session makes the first message longer (RFC 8446, section 4.2.11).
        lengths.append(len(peer.sock.recv(16 * 1024, socket.MSG_PEEK)))
        if lengths[-1] > lengths[0]:
            peer.reset()
            return
        peer.sock = server_tls.wrap_socket(peer.sock, server_side=True)
        peer.read_head()
        peer.say(answer(b"once", "Connection: close"))
        peer.sock.close()

    with ScriptedServer(script) as server:
        client = make_client(tls=trusting_tls)
        for _ in range(3):
            url = server.url().replace("http:", "https:")
            assert client.get(url).content == b"once"
        client.close()
    assert [length > lengths[0] for length in lengths] == [False, True, False, True, False]
