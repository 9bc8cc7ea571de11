"""Each fault of the storage, seen from the SDK or from a plain client."""

import hashlib
import threading
from contextlib import suppress
from typing import Literal

import httpx
import pytest
from cloudinary.exceptions import Error, GeneralError, RateLimited

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import (
    AlterAnswer,
    Answer,
    AnswerEarly,
    CloseBeforeAnswer,
    Hang,
    LoseAnswer,
    StorageFault,
    StoreInstead,
)
from storyboard_worker.demo.pictures import random_image
from tests.integration.demo.sdk import Sdk

SLOW_DOWN = {"error": {"message": "Slow down"}}


@pytest.mark.parametrize("status", [420, 429])
@pytest.mark.parametrize("kind", [Answer, AnswerEarly])
def test_rate_limit(
    account: Cloudinary, sdk: Sdk, image: bytes, kind: type[Answer | AnswerEarly], status: int
) -> None:
    account.misbehave(kind(status, SLOW_DOWN, {"Retry-After": "3"}))

    with pytest.raises(RateLimited, match="Slow down"):
        sdk.upload(image)

    assert account.uploads == []
    assert sdk.upload(image)["bytes"] == len(image)


def test_headers_of_a_fault(account: Cloudinary, client: httpx.Client) -> None:
    account.misbehave(Answer(429, SLOW_DOWN, {"Retry-After": "3"}))

    response = client.post(f"{account.url}/v1_1/demo/image/upload", content=b"x")

    assert response.headers["retry-after"] == "3"
    assert response.headers["x-request-id"]


def test_html_of_a_gateway(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    account.misbehave(Answer(502, "<html><h1>502 Bad Gateway</h1></html>"))

    with pytest.raises(Error, match=r"Error parsing server response \(502\)"):
        sdk.upload(image)


def test_failure_without_an_error(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    account.misbehave(Answer(500, {"oops": True}))

    # What the SDK makes of it: a success.
    assert sdk.upload(image)["oops"] is True
    assert account.uploads == []


def test_early_answer_to_a_large_body(account: Cloudinary, sdk: Sdk) -> None:
    account.misbehave(AnswerEarly(500, {"error": {"message": "early"}}))

    with pytest.raises(GeneralError, match="early"):
        sdk.upload(random_image(10_000_000, "PNG", seed=1))


def test_abrupt_early_answer_does_not_wait_for_the_body(
    account: Cloudinary, client: httpx.Client
) -> None:
    account.misbehave(AnswerEarly(500, abruptly=True))

    # The network decides which of the two the client sees, in real life too.
    with suppress(httpx.TransportError):
        response = client.post(f"{account.url}/v1_1/demo/image/upload", content=bytes(20_000_000))
        assert response.status_code == 500

    assert account.uploads == []


@pytest.mark.parametrize("fault", [CloseBeforeAnswer(), LoseAnswer()])
def test_no_answer(account: Cloudinary, sdk: Sdk, image: bytes, fault: StorageFault) -> None:
    account.misbehave(fault, times=None)

    with pytest.raises(Error, match="Connection aborted"):
        sdk.upload(image)

    assert (account.asset("panel") is not None) == isinstance(fault, LoseAnswer)


def test_answer_that_lacks_its_url(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    account.misbehave(AlterAnswer(without=("secure_url",), changed={"etag": "0" * 32}))

    answer = sdk.upload(image)

    assert "secure_url" not in answer
    assert answer["etag"] == "0" * 32
    assert len(account.uploads) == 1


def test_other_bytes_are_stored(
    account: Cloudinary, sdk: Sdk, client: httpx.Client, image: bytes
) -> None:
    other = random_image(5000, "JPEG", seed=2)
    account.misbehave(StoreInstead(other))

    answer = sdk.upload(image)

    assert (answer["bytes"], answer["etag"]) == (5000, hashlib.md5(other).hexdigest())
    assert client.get(answer["secure_url"]).content == other


@pytest.mark.parametrize(("where", "stored"), [("in_body", 0), ("after_storing", 1)])
def test_hang(
    account: Cloudinary,
    sdk: Sdk,
    image: bytes,
    where: Literal["in_body", "after_storing"],
    stored: int,
) -> None:
    until = threading.Event()
    account.misbehave(Hang(until, where))
    uploading = threading.Thread(target=sdk.upload, args=(image,))
    uploading.start()
    account.wait_for_requests(1)
    account.wait_for_uploads(stored)

    assert uploading.is_alive()
    assert len(account.uploads) == stored

    until.set()
    uploading.join(10)
    assert len(account.uploads) == 1


def test_hang_that_ends_with_the_server_stores_nothing(image: bytes) -> None:
    with Cloudinary() as account:
        account.misbehave(Hang(threading.Event()))
        stopping = threading.Thread(target=_stop_at_the_first_request, args=(account,))
        stopping.start()
        with pytest.raises(Error):
            Sdk(account).upload(image)
        stopping.join(10)

    assert account.uploads == []


def _stop_at_the_first_request(account: Cloudinary) -> None:
    account.wait_for_requests(1)
    account.stop()


def test_times_and_clearing(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    account.misbehave(Answer(503, SLOW_DOWN), times=2)
    account.misbehave(Answer(429, SLOW_DOWN), times=None)

    for expected in (GeneralError, GeneralError, RateLimited, RateLimited):
        with pytest.raises(expected):
            sdk.upload(image)
    account.clear_faults()

    assert sdk.upload(image)["bytes"] == len(image)
