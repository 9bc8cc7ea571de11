"""Calls on sockets that never wait."""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest

from storyboard_worker.web.socket_calls import MOST_BYTES, Receiver, accept, close, send
from tests.support.waiting import eventually


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener


@pytest.fixture
def client(listener: socket.socket) -> Iterator[socket.socket]:
    with socket.create_connection(listener.getsockname()) as client:
        yield client


@pytest.fixture
def accepted(listener: socket.socket, client: socket.socket) -> Iterator[int]:
    descriptor = eventually(lambda: accept(listener.fileno()))
    assert descriptor is not None
    yield descriptor
    with suppress(OSError):
        socket.close(descriptor)


def test_where_there_is_no_connection_none_is_accepted(listener: socket.socket) -> None:
    assert accept(listener.fileno()) is None


def test_what_has_come_is_received(accepted: int, client: socket.socket) -> None:
    receive = Receiver()
    assert receive(accepted) is None
    client.sendall(b"x" * (MOST_BYTES + 1))
    assert eventually(lambda: receive(accepted)) == b"x" * MOST_BYTES
    assert receive(accepted) == b"x"
    client.close()
    assert eventually(lambda: receive(accepted) == b"")


def test_as_much_is_sent_as_the_client_takes(accepted: int, client: socket.socket) -> None:
    assert send(accepted, b"answer") == 6
    assert client.recv(10) == b"answer"
    while send(accepted, b"x" * 1_000_000):
        pass
    assert send(accepted, b"more") == 0


def test_a_client_that_breaks_off_is_an_error(accepted: int, client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with pytest.raises(ConnectionResetError):
        Receiver()(accepted)
    with pytest.raises(BrokenPipeError):
        send(accepted, b"answer")


def test_what_was_sent_arrives_after_the_close(accepted: int, client: socket.socket) -> None:
    send(accepted, b"answer")
    close(accepted)
    assert client.recv(10) == b"answer"
    assert client.recv(10) == b""


def test_a_descriptor_that_is_none_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        accept(-1)
