"""Image requests that are answered from memory, beside those that go the usual way."""

import socket
import time
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.integration.web.served import Served
from tests.support.http_client import connect, exchange
from tests.support.image_requests import CHINESE, asked
from tests.support.producing import FAILED, PENDING, READY, enqueue

# The usual way sees no difference.
UNUSUAL = b"Content-Length: 0\r\n"


def parts(received: bytes) -> tuple[bytes, set[bytes], bytes]:
    """The status, the headers without the moment, the body."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    return status, {line for line in headers if not line.startswith(b"Date:")}, body


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (b"", b""),
        (b"?w=320&h=200&v=3", b""),
        (b"?lang=zh", b""),
        (b"", CHINESE),
        (b"?w=%20%C3%A4&lang=%", b"accept-language:de\r\n"),
        (b"?", b"Accept-Language:\r\n"),
    ],
)
@pytest.mark.parametrize("columns", [PENDING, FAILED, READY], ids=["pending", "failed", "ready"])
def test_both_ways_give_the_same_answer(
    served: Served,
    producer: psycopg.Connection,
    columns: dict[str, Any],
    query: bytes,
    headers: bytes,
    remembering: None,
) -> None:
    id_ = enqueue(producer, **columns)
    usual = exchange(served.port, asked(query, headers + UNUSUAL, id_=id_))
    [answer] = served.http._server._quick
    quick = answer(asked(query, headers, id_=id_), time.monotonic())
    assert isinstance(quick, bytes)
    assert parts(quick) == parts(usual)
    assert parts(exchange(served.port, asked(query, headers, id_=id_))) == parts(usual)


@pytest.fixture
def remembering(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read once is remembered for the whole test."""
    monkeypatch.setattr(served.http._pictures, "_fresh_seconds", 600.0)


def test_an_unknown_id_is_answered_from_memory_too(served: Served, remembering: None) -> None:
    id_ = uuid4()
    usual = exchange(served.port, asked(id_=id_))
    assert usual.startswith(b"HTTP/1.1 404 ")
    assert parts(exchange(served.port, asked(id_=id_))) == parts(usual)


def test_a_request_in_pieces_goes_the_usual_way(
    served: Served, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer)
    whole = asked(id_=id_)
    with connect(served.port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(whole[:30])
        exchange(served.port, whole)
        sock.sendall(whole[30:])
        assert sock.recv(65_536).startswith(b"HTTP/1.1 200 ")
