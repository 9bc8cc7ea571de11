"""The stand-in for the source, seen from a client, without faults."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from storyboard_worker.demo.origin import Origin


def test_serves_what_was_put(origin: Origin, client: httpx.Client, image: bytes) -> None:
    origin.put("seedream/panel 1_0.jpeg", image, content_type="image/jpeg")

    response = client.get(origin.sign("seedream/panel 1_0.jpeg"))

    assert response.status_code == 200
    assert response.content == image
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["content-length"] == str(len(image))


def test_url_says_when_it_expires(origin: Origin) -> None:
    signed_at = datetime(2025, 9, 10, 1, 59, 21, tzinfo=UTC)

    query = parse_qs(urlsplit(origin.sign("a", expires_seconds=60, signed_at=signed_at)).query)

    assert query["X-Tos-Date"] == ["20250910T015921Z"]
    assert query["X-Tos-Expires"] == ["60"]
    assert query["X-Tos-SignedHeaders"] == ["host"]


def test_expired_url_is_forbidden(origin: Origin, client: httpx.Client, image: bytes) -> None:
    origin.put("a", image)
    signed_at = datetime.now(UTC) - timedelta(seconds=61)

    response = client.get(origin.sign("a", expires_seconds=60, signed_at=signed_at))

    assert response.status_code == 403
    assert "Request has expired" in response.text


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(lambda url: url.partition("?")[0], id="no query"),
        pytest.param(lambda url: url.replace("Expires=86400", "Expires=86401"), id="expiry"),
        pytest.param(lambda url: url.replace("/a?", "/b?"), id="path"),
        pytest.param(lambda url: url + "&more=1", id="another parameter"),
        pytest.param(lambda url: url.replace("Signature=", "Signature=%C3%A9"), id="signature"),
    ],
)
def test_tampered_url_is_forbidden(
    origin: Origin, client: httpx.Client, image: bytes, tamper: Callable[[str], str]
) -> None:
    origin.put("a", image)
    origin.put("b", image)

    assert client.get(tamper(origin.sign("a"))).status_code == 403


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_signature_covers_the_method(
    origin: Origin, client: httpx.Client, image: bytes, method: str
) -> None:
    origin.put("a", image)

    response = client.request(method, origin.sign("a"), content=b"x" if method == "POST" else None)

    assert response.status_code == 403


def test_unknown_object_is_not_found(origin: Origin, client: httpx.Client) -> None:
    assert client.get(origin.sign("nothing")).status_code == 404


def test_requests_are_recorded_without_their_query(
    origin: Origin, client: httpx.Client, image: bytes
) -> None:
    origin.put("a", image)
    before = time.monotonic()

    client.get(origin.sign("a"), headers={"X-Mine": "yes"})

    (request,) = origin.requests
    assert (request.method, request.path) == ("GET", "/a")
    assert request.headers["x-mine"] == "yes"
    assert before <= request.arrived_at <= time.monotonic()


def test_waiting_for_requests(origin: Origin, client: httpx.Client, image: bytes) -> None:
    origin.put("a", image)
    asking = threading.Thread(target=lambda: [client.get(origin.sign("a")) for _ in range(3)])
    asking.start()

    assert len(origin.wait_for_requests(3, timeout_seconds=10)) >= 3

    asking.join()
    with pytest.raises(TimeoutError, match="3 of 4"):
        origin.wait_for_requests(4, timeout_seconds=0.01)


def test_delay_holds_the_answer_back(origin: Origin, client: httpx.Client, image: bytes) -> None:
    origin.put("a", image)
    origin.delay_seconds = 0.2

    started = time.monotonic()
    client.get(origin.sign("a"))

    assert time.monotonic() - started >= 0.2


def test_connection_is_kept(origin: Origin, client: httpx.Client, image: bytes) -> None:
    origin.put("a", image)
    streams = set()
    for _ in range(3):
        response = client.get(origin.sign("a"))
        streams.add(response.extensions["network_stream"].get_extra_info("client_addr"))

    assert len(streams) == 1


def test_speaks_tls(server_tls: ssl.SSLContext, image: bytes) -> None:
    with Origin(tls=server_tls) as origin:
        origin.put("a", image)
        url = origin.sign("a")

        assert url.startswith("https://127.0.0.1:")
        assert httpx.get(url, verify=False).content == image


def test_stop_breaks_open_connections_off(image: bytes, client: httpx.Client) -> None:
    with Origin() as origin:
        origin.put("a", image)
        url = origin.sign("a")
        client.get(url)

    with pytest.raises(httpx.TransportError):
        client.get(url)


def test_what_is_no_request_is_refused(origin: Origin) -> None:
    address = urlsplit(origin.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"nonsense\r\n\r\n")

        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
        assert connection.recv(1000) == b""
