"""The stand-in for Cloudinary below its SDK: the form, lengths, and bodies that break off."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import cloudinary.utils
import httpx
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from tests.integration.demo.sdk import Sdk


@pytest.fixture
def upload_url(account: Cloudinary) -> str:
    return f"{account.url}/v1_1/demo/image/upload"


def test_chunked_request_needs_a_length(
    upload_url: str, account: Cloudinary, client: httpx.Client, image: bytes
) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield image

    response = client.post(upload_url, content=pieces())

    assert response.status_code == 411
    assert response.headers["x-cld-error"] == "Length Required"
    assert account.refusals[0].status == 411


def test_timestamp_is_good_for_an_hour(
    upload_url: str, sdk: Sdk, client: httpx.Client, image: bytes
) -> None:
    def upload(timestamp: int) -> httpx.Response:
        fields = cloudinary.utils.sign_request({"timestamp": str(timestamp)}, sdk.options)
        return client.post(upload_url, data=fields, files={"file": image})

    assert upload(int(time.time()) - 3590).status_code == 200
    stale = upload(1_700_000_000)
    assert stale.status_code == 400
    assert stale.headers["x-cld-error"] == (
        "Stale request - reported time is 2023-11-14 22:13:20 +0000 which is more than 1 hour ago"
    )


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        ({}, 401, "Invalid api_key"),
        ({"api_key": "123456789012345"}, 400, "Upload preset must be specified"),
    ],
)
def test_incomplete_forms(
    upload_url: str, client: httpx.Client, data: dict[str, str], status: int, message: str
) -> None:
    response = client.post(upload_url, data=data, files={"file": b"x"})

    assert response.status_code == status
    assert response.json()["error"]["message"].startswith(message)
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data"),
        ("multipart/form-data; boundary=x", b'--x\r\nA: b; name="file"\r\n\r\nbytes'),
        ("multipart/form-data; boundary=x", b"--x\r\nA: b\r\n\r\nbytes\r\n--x--\r\n"),
    ],
)
def test_what_is_no_form(
    upload_url: str, client: httpx.Client, content_type: str, body: bytes
) -> None:
    response = client.post(upload_url, content=body, headers={"Content-Type": content_type})

    assert response.status_code == 400


def test_body_that_breaks_off_stores_nothing(
    upload_url: str, account: Cloudinary, image: bytes
) -> None:
    address = urlsplit(upload_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        head = f"POST {address.path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(image)}\r\n\r\n"
        connection.sendall(head.encode() + image[: len(image) // 2])

    account.wait_for_broken_off(1)
    assert account.broken_off == 1
    assert account.uploads == []
    assert account.asset("panel") is None


def test_expectation_is_met(upload_url: str) -> None:
    address = urlsplit(upload_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(
            f"POST {address.path} HTTP/1.1\r\nExpect: 100-continue\r\n".encode()
            + b"Content-Length: 2\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1_1/demo/video/upload"), ("GET", "/v1_1/demo/image/upload"), ("GET", "/")],
)
def test_unknown_calls(account: Cloudinary, client: httpx.Client, method: str, path: str) -> None:
    assert client.request(method, account.url + path).status_code == 404
