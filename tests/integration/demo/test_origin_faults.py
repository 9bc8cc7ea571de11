"""Each fault of the source, seen from a client. Afterwards the object is served well."""

import gzip
import threading
import time
from collections.abc import Callable
from typing import Literal

import httpx
import pytest

from storyboard_worker.demo.faults import (
    Answer,
    Chunked,
    CloseBeforeAnswer,
    CutFile,
    Drip,
    Encoded,
    Hang,
    NoLength,
    ResetInBody,
    ServeBytes,
    SourceFault,
    Truncate,
    WrongLength,
)
from storyboard_worker.demo.origin import Origin

Get = Callable[[SourceFault], httpx.Response]


@pytest.fixture
def get(origin: Origin, client: httpx.Client, image: bytes) -> Get:
    """Meets the fault once, and checks that the next request is served well."""

    def ask(fault: SourceFault) -> httpx.Response:
        origin.put("a", image, faults=[fault])
        try:
            return client.get(origin.sign("a"))
        finally:
            assert client.get(origin.sign("a")).content == image

    return ask


@pytest.mark.parametrize("status", [401, 403, 404, 408, 410, 418, 425, 500, 503, 599])
def test_any_status(get: Get, status: int) -> None:
    assert get(Answer(status, b"no")).status_code == status


def test_rate_limit_with_its_header(get: Get) -> None:
    response = get(Answer(429, {"error": "slow down"}, {"Retry-After": "7"}))

    assert response.headers["retry-after"] == "7"
    assert response.json() == {"error": "slow down"}


def test_redirect_to_another_object(origin: Origin, client: httpx.Client, image: bytes) -> None:
    origin.put("b", image)
    origin.put("a", b"", faults=[Answer(302, headers={"Location": origin.sign("b")})])

    assert client.get(origin.sign("a"), follow_redirects=True).content == image


def test_redirect_without_target(get: Get) -> None:
    assert "location" not in get(Answer(302)).headers


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Truncate(100), httpx.RemoteProtocolError),
        (Truncate(0), httpx.RemoteProtocolError),
        (ResetInBody(100), httpx.ReadError),
        (CloseBeforeAnswer(), httpx.RemoteProtocolError),
        (WrongLength(1_000_000), httpx.RemoteProtocolError),
        (Chunked(breaks_off_at_bytes=100_000), httpx.RemoteProtocolError),
    ],
)
def test_broken_answers(get: Get, fault: SourceFault, error: type[Exception]) -> None:
    with pytest.raises(error):
        get(fault)


def test_file_that_is_cut_short_has_its_honest_length(get: Get, image: bytes) -> None:
    response = get(CutFile(1000))

    assert response.content == image[:1000]
    assert response.headers["content-length"] == "1000"


def test_length_that_is_too_short(get: Get, image: bytes) -> None:
    assert get(WrongLength(1000)).content == image[:1000]


@pytest.mark.parametrize("fault", [Chunked(), NoLength()])
def test_no_length(get: Get, image: bytes, fault: SourceFault) -> None:
    response = get(fault)

    assert response.content == image
    assert "content-length" not in response.headers


def test_compressed_body(origin: Origin, client: httpx.Client, image: bytes) -> None:
    origin.put("a", image, faults=[Encoded("gzip")])
    with client.stream("GET", origin.sign("a")) as response:
        raw = b"".join(response.iter_raw())

    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == image


def test_error_page_in_place_of_an_image(get: Get) -> None:
    response = get(ServeBytes(b"<html>", "image/png"))

    assert (response.status_code, response.content) == (200, b"<html>")
    assert response.headers["content-type"] == "image/png"


def test_drip(origin: Origin, client: httpx.Client) -> None:
    origin.put("a", b"0123456789", faults=[Drip(bytes_per_chunk=3, seconds=0.05)])

    started = time.monotonic()

    assert client.get(origin.sign("a")).content == b"0123456789"
    assert time.monotonic() - started >= 0.15


@pytest.mark.parametrize("where", ["before_headers", "in_body"])
def test_hang_until_released(
    get: Get, image: bytes, where: Literal["before_headers", "in_body"]
) -> None:
    until = threading.Event()
    threading.Timer(0.1, until.set).start()

    assert get(Hang(until, where)).content == image


def test_hang_ends_with_the_server(client: httpx.Client, image: bytes) -> None:
    with Origin() as origin:
        origin.put("a", image, faults=[Hang(threading.Event(), "in_body")])
        with client.stream("GET", origin.sign("a")) as response:
            origin.stop()
            with pytest.raises(httpx.RemoteProtocolError):
                response.read()


def test_faults_come_in_order_and_always_stays(
    origin: Origin, client: httpx.Client, image: bytes
) -> None:
    origin.put("a", image, faults=[Answer(503), Answer(500), Answer(404, always=True)])

    statuses = [client.get(origin.sign("a")).status_code for _ in range(5)]

    assert statuses == [503, 500, 404, 404, 404]


def test_faults_are_values() -> None:
    assert Truncate(5) == Truncate(5)
    with pytest.raises(AttributeError):
        Truncate(5).at_bytes = 6  # type: ignore[misc]  # that it cannot be set is the point
