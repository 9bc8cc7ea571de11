"""Rules that hold for every route."""

import json
import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from storyboard_worker.cli.serving import Http
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.web import server
from tests.integration.web.served import CRON, SECRET, Serve, Served
from tests.support.http_client import call, connect, exchange
from tests.support.panels import all_rows, enqueue_panel
from tests.support.sentry_reports import reporting_to
from tests.support.sentry_server import SentryServer

UNKNOWN = "5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/healthz", "GET", 200),
        ("/api/health/worker", "GET", 503),
        ("/", "GET", 404),
        ("/healthz/", "GET", 404),
        ("/api/storyboards/not-a-uuid", "GET", 404),
        (f"/api/storyboards/{UNKNOWN}", "GET", 404),
        ("/healthz", "POST", 405),
        ("/metrics", "DELETE", 405),
        (f"/api/storyboards/{UNKNOWN}/process", "GET", 405),
        (CRON, "PUT", 405),
        (CRON, "GET", 401),
    ],
)
def test_status_and_form(served: Served, path: str, method: str, status: int) -> None:
    reply = call(served.port, path, method)
    assert reply.status == status, reply
    assert isinstance(reply.json, dict)
    assert reply.headers["cache-control"] == "no-store"
    assert "server" not in reply.headers
    assert ("allow" in reply.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nowhere"])
def test_head_is_get_without_the_body(served: Served, path: str) -> None:
    got, head = call(served.port, path), call(served.port, path, "HEAD")
    assert (head.status, head.text) == (got.status, "")
    assert head.headers["content-type"] == got.headers["content-type"]
    if path != "/metrics":
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 16_354 + b"\r\n\r\n", 431),
        (b"POST /healthz HTTP/1.1\r\nContent-Length: 50000\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ],
    ids=["nonsense", "headers", "body", "encoding"],
)
def test_a_malformed_request_is_refused(served: Served, sent: bytes, status: int) -> None:
    head, _, body = exchange(served.port, sent).partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert json.loads(body).keys() == {"error"}
    assert b"Server:" not in head
    assert b"waitress" not in (head + body).lower()


def test_a_connection_carries_one_request(served: Served) -> None:
    """Otherwise a client that reads nothing could fill the buffers."""
    received = exchange(served.port, b"GET /healthz HTTP/1.1\r\n\r\n" * 100)
    assert received.count(b"HTTP/1.1 200 OK") == 1


def test_an_internal_error_is_reported_and_not_shown(
    serve: Serve, sentry: SentryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(_self: Http) -> Any:
        raise LookupError("a detail")

    monkeypatch.setattr(Http, "_read_table", break_down)
    with reporting_to(sentry) as reporter:
        served = serve(sentry=SentrySettings(dsn=sentry.dsn))
        reply = served.get("/api/health/worker")
        assert (reply.status, reply.json) == (
            500,
            {"error": "an internal error; it has been reported"},
        )
        assert served.get("/healthz").status == 200
        reporter.close()
    (event,) = sentry.events
    assert event["exception"]["values"][0]["type"] == "LookupError"


def test_no_answer_holds_a_secret(
    served: Served, producer: psycopg.Connection, origin: Origin, cloudinary: Cloudinary
) -> None:
    for number, fault in enumerate((Answer(403), Answer(404), Answer(503), Answer(429))):
        enqueue_panel(producer, origin, f"{number}.jpg", [fault])
    id_ = enqueue_panel(producer, origin, "one.jpg", [Answer(302, b"", {"Location": "/?secret"})])
    replies = [
        served.process(id_),
        served.cron(),
        *map(served.get, ("/metrics", "/healthz", "/api/health/worker")),
        served.get(f"/api/storyboards/{id_}"),
    ]
    answered = "".join(f"{reply.headers}{reply.text}" for reply in replies)
    queries = [parse_qs(urlsplit(row["source_url"]).query) for row in all_rows(producer)]
    signatures = [query["X-Tos-Signature"][0] for query in queries]
    for secret in (*signatures, SECRET, cloudinary.api_secret, cloudinary.api_key):
        assert secret not in answered


def test_it_listens_on_ipv6_too(served: Served) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert served.get("/healthz", host="::1").status == 200


def test_without_ipv6_it_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without_ipv6(family: int, kind: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return real(family, kind)

    monkeypatch.setattr(socket, "socket", without_ipv6)
    (listener,) = server.listening_sockets(0)
    assert listener.family == socket.AF_INET
    listener.close()


EXPECTING = b"Expect: 100-continue\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /nowhere HTTP/1.1\r\n" + EXPECTING,
        b"POST /nowhere HTTP/1.1\r\nContent-Length: 0\r\n" + EXPECTING,
    ],
)
def test_a_request_that_expects_and_has_no_body_gets_its_own_answer(
    served: Served, head: bytes
) -> None:
    """It is not the answer to a request behind it. Each connection carries one request."""
    received = exchange(served.port, head + b"\r\n" + b"GET /healthz HTTP/1.1\r\n\r\n")
    answers = received.split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"404"]


def test_a_body_that_waits_for_100_continue_is_asked_for(served: Served) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nContent-Length: 4\r\n" + EXPECTING + b"\r\n"
    with connect(served.port) as sock:
        sock.sendall(head)
        assert sock.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"body")
        assert sock.recv(65_536).startswith(b"HTTP/1.1 404 ")


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(served: Served) -> None:
    head = b"POST /healthz HTTP/1.1\r\nContent-Length: 50000\r\n" + EXPECTING + b"\r\n"
    answers = exchange(served.port, head).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"413"]
