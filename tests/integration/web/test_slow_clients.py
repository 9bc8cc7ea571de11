"""Slow clients cannot keep others from being served."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from werkzeug.wrappers import Response

from storyboard_worker.web import server
from storyboard_worker.web.application import Application, route
from tests.integration.web.served import Served
from tests.support.http_client import call, connect
from tests.support.waiting import eventually

CROWD = 300


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def is_closed(sock: socket.socket) -> bool:
    sock.settimeout(0)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_others_are_served_beside_a_crowd_that_drips(served: Served, stack: ExitStack) -> None:
    """Each sends a byte of its request now and then, so that none ever looks idle."""
    crowd = [stack.enter_context(connect(served.port)) for _ in range(CROWD)]
    done = threading.Event()

    def drip() -> None:
        while not done.wait(0.2):
            for sock in crowd:
                with suppress(OSError):
                    sock.sendall(b"G")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        for _ in range(10):
            assert served.get("/healthz").status == 200
        eventually(lambda: len(list(served.http._server._connections())) <= server.MOST_CONNECTIONS)
    finally:
        done.set()
        dripping.join()
    assert served.get("/healthz").status == 200


def test_a_request_that_is_never_complete_is_closed(
    served: Served, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    sock = stack.enter_context(connect(served.port))
    sock.sendall(b"GET /healthz HTTP/1.1\r\n")
    eventually(lambda: is_closed(sock))


def test_an_answer_that_is_never_read_is_closed(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    large = Response(b"x" * 8_000_000)
    application = Application([route("/large", lambda _request: large, "GET")], lambda _error: None)
    http = server.HttpServer(application, server.listening_sockets(0), threads=2)
    http.start()
    stack.callback(http.stop)
    for _ in range(10):
        sock = stack.enter_context(connect(http.port))
        sock.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        assert sock.recv(9) == b"HTTP/1.1 "
    # Ten clients that read no further hold none of the two threads.
    assert call(http.port, "/nothing").status == 404
    eventually(lambda: not list(http._connections()))
