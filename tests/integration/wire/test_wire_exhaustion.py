"""A dial without a free descriptor takes those of the idle connections."""

import errno
import os
import socket

import httpx
import pytest

from storyboard_worker.errors import Resource
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.wire import resolve as module
from storyboard_worker.wire.pool import IdleConnections
from storyboard_worker.wire.resolve import SocketAddress, resolve_any
from tests.integration.wire.clients import MakeClient
from tests.support.scripted_server import ScriptedServer, answer, saying

NO_DESCRIPTOR = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


class Lacking:
    """A resolver that lacks a descriptor so many times."""

    def __init__(self) -> None:
        self.times = 0
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[SocketAddress]:
        self.asked += 1
        if self.times:
            self.times -= 1
            raise NO_DESCRIPTOR
        return resolve_any(host, port)


def test_it_is_tried_once_more_with_the_descriptors_of_idle_connections(
    make_client: MakeClient,
) -> None:
    idle, resolver = IdleConnections(), Lacking()
    client = make_client(idle=idle, resolve=resolver)
    with (
        ScriptedServer(saying(answer(b"x"))) as server,
        ScriptedServer(saying(answer(b"y"))) as another,
    ):
        client.get(server.url())
        resolver.times = 1
        assert client.get(another.url()).content == b"y"
        assert idle.evict() == 1, "the one to the first server had to make room"


@pytest.mark.parametrize(("idle_ones", "asked"), [(0, 1), (1, 3)])
def test_the_lack_is_in_the_chain_of_what_it_raises(
    make_client: MakeClient, idle_ones: int, asked: int
) -> None:
    resolver = Lacking()
    client = make_client(resolve=resolver)
    with ScriptedServer(saying(answer(b"x"))) as server:
        for _ in range(idle_ones):
            client.get(server.url())
        resolver.times = 2
        with pytest.raises(httpx.ConnectError) as raised:
            client.get(server.url(host="127.0.0.2"))
        client.close()
    found = exhaustion_in(raised.value)
    assert found is not None
    assert found.resource is Resource.DESCRIPTORS
    assert resolver.asked == asked


def test_no_other_address_hides_the_lack(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens at the last address, which would count as an error of the host."""
    families = []

    def no_socket(family: socket.AddressFamily, *_: object) -> socket.socket:
        families.append(family)
        raise NO_DESCRIPTOR

    monkeypatch.setattr(socket, "socket", no_socket)
    two = [(socket.AF_INET, ("127.0.0.1", 1)), (socket.AF_INET6, ("::1", 1))]
    with pytest.raises(httpx.ConnectError) as raised:
        make_client(resolve=lambda _host, _port: two).get("http://images.test/")
    assert exhaustion_in(raised.value) is not None
    assert families == [socket.AF_INET]


def test_an_unknown_name_is_a_lack_where_no_file_could_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The system's resolver gives the same error for both."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror):
        resolve_any("images.test", 80)
    monkeypatch.setattr(module, "lack_of_descriptors", lambda: NO_DESCRIPTOR)
    with pytest.raises(OSError, match="Too many open files") as raised:
        resolve_any("images.test", 80)
    assert exhaustion_in(raised.value) is not None
