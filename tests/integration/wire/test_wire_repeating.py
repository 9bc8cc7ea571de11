"""A request that met a stale connection is repeated once, if it may be."""

from collections.abc import Callable

import httpx
import pytest

from tests.support.scripted_server import Peer, ScriptedServer, answer, closing_after


def closing_on_the_second(said: bytes, closed: list[bytes]) -> Callable[[Peer], None]:
    """Closes a kept connection only once the next request is there."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(b"first"))
        closed.append(peer.read_head())
        peer.say(said)

    return script


def test_a_get_that_met_a_stale_connection_is_sent_once_more(client: httpx.Client) -> None:
    closed: list[bytes] = []
    with ScriptedServer(
        closing_on_the_second(b"", closed), closing_after(answer(b"second"))
    ) as server:
        client.get(server.url())
        assert client.get(server.url("/again")).content == b"second"
        assert server.connections == 2
    assert closed[0].startswith(b"GET /again")


def test_a_request_is_repeated_only_once(client: httpx.Client) -> None:
    with (
        ScriptedServer(closing_on_the_second(b"", []), closing_after(b"")) as server,
    ):
        client.get(server.url())
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(server.url())
        assert server.connections == 2


@pytest.mark.parametrize(
    ("method", "body", "said"),
    [
        ("POST", b"body", b""),
        ("POST", b"", b""),
        ("GET", b"", b"H"),
    ],
    ids=["with a body", "not a safe method", "the answer had begun"],
)
def test_a_request_that_may_have_had_an_effect_is_not_repeated(
    client: httpx.Client, method: str, body: bytes, said: bytes
) -> None:
    with ScriptedServer(closing_on_the_second(said, [])) as server:
        client.get(server.url())
        with pytest.raises(httpx.TransportError):
            client.request(method, server.url(), content=body)
        assert server.connections == 1


def test_a_fresh_connection_that_fails_is_not_tried_again(client: httpx.Client) -> None:
    with ScriptedServer(closing_after(b"")) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(server.url())
        assert server.connections == 1
