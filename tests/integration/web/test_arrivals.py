"""Connections that are answered before waitress knows of them."""

import errno
import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from werkzeug.wrappers import Response

from storyboard_worker.web import listener, server
from storyboard_worker.web.application import Application, route
from storyboard_worker.web.arrival import Quick
from storyboard_worker.web.channel import Channel
from storyboard_worker.web.shared_reads import Soon
from storyboard_worker.web.socket_calls import accept
from tests.integration.web.served import Served
from tests.support.http_client import call, connect, exchange
from tests.support.image_requests import asked
from tests.support.producing import enqueue
from tests.support.waiting import eventually

USUAL = Application([route("/usual", lambda _: Response("usual"), "GET")], lambda _error: None)
REQUEST = b"GET /usual HTTP/1.1\r\n\r\n"

Start = Callable[[Quick], server.HttpServer]


@pytest.fixture
def quick_server() -> Iterator[Start]:
    with ExitStack() as stack:

        def start(quick: Quick) -> server.HttpServer:
            http = server.HttpServer(USUAL, server.listening_sockets(0), threads=1, quick=[quick])
            http.start()
            stack.callback(http.stop)
            return http

        yield start


def test_a_row_that_is_not_remembered_is_answered_without_waitress(
    served: Served, producer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = [enqueue(producer) for _ in range(40)]
    usual = exchange(served.port, asked(id_=first))
    channels: list[Channel] = []

    def counted(*args: Any, **kwargs: Any) -> Channel:
        channels.append(Channel(*args, **kwargs))
        return channels[-1]

    monkeypatch.setattr(listener, "Channel", counted)
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(served.port)) for _ in others]
        for client, id_ in zip(clients, others, strict=True):
            client.sendall(asked(id_=id_))
        for client in clients:
            assert client.recv(65_536)[:15] == usual[:15] == b"HTTP/1.1 200 OK"
    assert not channels


def test_what_is_not_known_soon_goes_the_usual_way(quick_server: Start) -> None:
    """It is looked at again, without being told to."""
    given: list[bytes | Soon | None] = [None, Soon.SOON, Soon.SOON]
    http = quick_server(lambda _data, _came_at: given.pop())
    assert call(http.port, "/usual").text == "usual"
    assert not given


def test_a_stop_waits_for_what_comes_soon(quick_server: Start) -> None:
    looked, known = threading.Event(), threading.Event()

    def quick(_data: bytes, _came_at: float) -> bytes | Soon:
        looked.set()
        return b"quick" if known.is_set() else Soon.SOON

    http = quick_server(quick)
    with connect(http.port) as client:
        client.sendall(REQUEST)
        looked.wait()
        stopping = threading.Thread(target=http.stop)
        stopping.start()
        eventually(http._stopping.is_set)
        known.set()
        http.look_again()
        assert client.recv(10) == b"quick"
        stopping.join()
    # A read may end later.
    http.look_again()


def test_an_answer_that_fails_goes_the_usual_way(
    quick_server: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_data: bytes, _came_at: float) -> bytes:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        assert call(quick_server(fail).port, "/usual").text == "usual"
    assert "a quick answer failed" in caplog.text


def test_a_long_answer_arrives_whole(quick_server: Start) -> None:
    answer = b"x" * 8_000_000
    http = quick_server(lambda _data, _came_at: answer)
    assert exchange(http.port, REQUEST) == answer


def test_a_long_answer_that_is_never_read_is_closed(
    quick_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    http = quick_server(lambda _data, _came_at: b"x" * 8_000_000)
    with connect(http.port) as client:
        client.sendall(REQUEST)
        assert client.recv(1) == b"x"
        eventually(lambda: not list(http._connections()))


def test_a_client_that_says_nothing_is_closed(
    quick_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    with connect(quick_server(lambda _data, _came_at: None).port) as client:
        assert client.recv(1) == b""


@pytest.mark.parametrize("sent", [b"", REQUEST])
def test_clients_that_break_off_leave_nothing_behind(quick_server: Start, sent: bytes) -> None:
    has_gone = threading.Event()
    http = quick_server(lambda _data, _came_at: b"quick" if has_gone.is_set() else Soon.SOON)
    client = connect(http.port)
    client.sendall(sent)
    eventually(lambda: list(http._connections()))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    has_gone.set()
    eventually(lambda: not list(http._connections()))


def test_a_lack_of_descriptors_is_sat_out(
    quick_server: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    http = quick_server(lambda _data, _came_at: b"quick")
    failures = iter(range(3))

    def lacking(descriptor: int) -> int | None:
        if next(failures, None) is not None:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(descriptor)

    monkeypatch.setattr(listener, "accept", lacking)
    with caplog.at_level(logging.WARNING):
        assert exchange(http.port, REQUEST) == b"quick"
    assert caplog.text.count("could not be accepted") == 3
