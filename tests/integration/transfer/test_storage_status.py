"""The error code of each refusal of Cloudinary."""

from collections.abc import Mapping

import cloudinary.utils
import pytest

from storyboard_worker.demo.faults import Answer
from tests.support.stage import Stage

Body = str | Mapping[str, object]

BAD_GATEWAY = "<html><h1>502 Bad Gateway</h1></html>"


def said(message: str) -> Mapping[str, object]:
    return {"error": {"message": message}}


TABLE: list[tuple[int, Body, str]] = [
    (400, said("Invalid image file"), "storage_rejected"),
    (400, said("File size too large. Got 11000000. Maximum is 10485760."), "image_too_large"),
    (400, said("Stale request - reported time is … more than 1 hour ago"), "storage_unauthorized"),
    (400, "", "storage_rejected"),
    (401, said("Invalid Signature abc. String to sign - 'x=y'."), "storage_unauthorized"),
    (403, said("account disabled"), "storage_unauthorized"),
    (404, said("Resource not found"), "storage_rejected"),
    (408, "", "storage_unavailable"),
    (409, said("already in progress"), "storage_unavailable"),
    (413, BAD_GATEWAY, "image_too_large"),
    (418, "", "storage_rejected"),
    (420, said("Rate limit exceeded"), "storage_rate_limited"),
    (422, said("unprocessable"), "storage_rejected"),
    (423, said("locked"), "storage_unavailable"),
    (425, "", "storage_unavailable"),
    (429, said("Too many requests"), "storage_rate_limited"),
    (499, BAD_GATEWAY, "storage_unavailable"),
    (500, {"secure_url": "https://cdn.invalid/x.jpg"}, "storage_unavailable"),
    (500, said("General error"), "storage_unavailable"),
    (502, BAD_GATEWAY, "storage_unavailable"),
    (503, "", "storage_unavailable"),
    (504, BAD_GATEWAY, "storage_unavailable"),
    (302, "", "storage_unavailable"),
    (204, "", "storage_unavailable"),
]


@pytest.mark.parametrize(("status", "body", "code"), TABLE)
def test_each_refusal_has_its_code(
    stage: Stage, small_image: bytes, status: int, body: Body, code: str
) -> None:
    stage.cloudinary.misbehave(Answer(status, body))
    error = stage.failure(stage.serve(small_image))
    assert (error.code, error.http_status, error.upstream) == (code, status, "cloudinary")
    # Cloudinary's support asks for it.
    assert error.request_id
    assert stage.cloudinary.uploads == []


@pytest.mark.parametrize("status", [420, 429, 503])
def test_retry_after_is_kept(stage: Stage, small_image: bytes, status: int) -> None:
    stage.cloudinary.misbehave(Answer(status, "", {"Retry-After": "23"}))
    assert stage.failure(stage.serve(small_image)).retry_after_seconds == 23


def test_the_message_contains_the_words_of_cloudinary(stage: Stage, small_image: bytes) -> None:
    stage.cloudinary.misbehave(Answer(400, said("Transformation\nw_\u0000 is invalid")))
    error = stage.failure(stage.serve(small_image))
    assert error.message == "Cloudinary answers 400: Transformation w_  is invalid"


def test_the_reason_may_be_in_the_header_alone(stage: Stage, small_image: bytes) -> None:
    answer = Answer(400, BAD_GATEWAY, {"X-Cld-Error": "File size too large. Got 9."})
    stage.cloudinary.misbehave(answer)
    error = stage.failure(stage.serve(small_image))
    assert error.code == "image_too_large"
    assert error.message.endswith(": File size too large. Got 9.")


@pytest.mark.parametrize("body", ["[]", '{"error": null}', '{"error": "x"}', "{", "null"])
def test_no_shape_of_a_refusal_breaks_the_reading(
    stage: Stage, small_image: bytes, body: str
) -> None:
    stage.cloudinary.misbehave(Answer(400, body.encode()))
    error = stage.failure(stage.serve(small_image))
    assert (error.code, error.message) == ("storage_rejected", "Cloudinary answers 400")


def test_a_wrong_secret_is_unauthorized_and_nothing_of_it_is_shown(
    stage: Stage, small_image: bytes
) -> None:
    secret, stage.cloudinary.api_secret = stage.cloudinary.api_secret, "another"
    error = stage.failure(stage.serve(small_image))
    assert error.code == "storage_unauthorized"
    assert "Invalid Signature" in error.message
    assert "String to sign" not in error.message
    assert secret not in error.message


def test_a_wrong_key_is_unauthorized_and_not_shown_though_the_refusal_repeats_it(
    stage: Stage, small_image: bytes
) -> None:
    key, stage.cloudinary.api_key = stage.cloudinary.api_key, "another"
    error = stage.failure(stage.serve(small_image))
    assert error.code == "storage_unauthorized"
    assert error.message == "Cloudinary answers 401: Invalid api_key [redacted]"
    assert stage.cloudinary.refusals[-1].message == f"Invalid api_key {key}"


def test_a_key_is_not_shown_in_part_either(stage: Stage, small_image: bytes) -> None:
    # A long reason is cut there.
    stage.cloudinary.misbehave(Answer(400, said("x" * 290 + stage.cloudinary.api_key)))
    error = stage.failure(stage.serve(small_image))
    assert error.message == f"Cloudinary answers 400: {'x' * 290}[redacted]"


def test_a_clock_that_is_hours_off_is_unauthorized(
    stage: Stage, small_image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudinary.utils, "now", lambda: 1_500_000_000)
    error = stage.failure(stage.serve(small_image))
    assert error.code == "storage_unauthorized"
    assert "Stale request" in error.message


def test_an_image_above_the_accounts_limit_is_too_large(stage: Stage, small_image: bytes) -> None:
    stage.cloudinary.max_file_bytes = len(small_image) - 1
    error = stage.failure(stage.serve(small_image))
    assert (error.code, error.upstream) == ("image_too_large", "cloudinary")


def test_an_image_that_cloudinary_cannot_read_is_rejected(stage: Stage) -> None:
    # It has everything that marks a JPEG's end, but the scan holds no picture.
    hollow = b"\xff\xd8\xff\xda\x00\x02" + bytes(3_000) + b"\xff\xd9"
    error = stage.failure(stage.serve(hollow))
    assert (error.code, error.upstream) == ("storage_rejected", "cloudinary")
    assert "Invalid image file" in error.message
