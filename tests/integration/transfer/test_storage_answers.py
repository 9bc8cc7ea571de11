"""Answers of the storage that claim success and are checked, and answers that never come."""

import hashlib
import threading
import time
from uuid import uuid4

import pytest

from storyboard_worker.demo.faults import (
    AlterAnswer,
    Answer,
    AnswerEarly,
    CloseBeforeAnswer,
    Hang,
    LoseAnswer,
    StoreInstead,
)
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.errors import AttemptError
from tests.support.stage import PATIENT_SECONDS, Stage

NEEDED = ["secure_url", "public_id", "asset_id", "format", "width", "height", "bytes", "etag"]


@pytest.mark.parametrize("name", NEEDED)
def test_an_answer_that_lacks_something_is_no_answer(
    stage: Stage, small_image: bytes, name: str
) -> None:
    stage.cloudinary.misbehave(AlterAnswer(without=(name,)))
    error = stage.failure(stage.serve(small_image))
    assert (error.code, error.upstream) == ("storage_unavailable", "cloudinary")
    assert name in error.message


@pytest.mark.parametrize(
    "changed",
    [
        {"secure_url": ""},
        {"secure_url": None},
        {"width": "24"},
        {"width": 0},
        {"height": True},
        {"bytes": -1},
        {"etag": 5},
        {"format": ["jpg"]},
    ],
)
def test_an_answer_with_nonsense_in_it_is_no_answer(
    stage: Stage, small_image: bytes, changed: dict[str, object]
) -> None:
    stage.cloudinary.misbehave(AlterAnswer(changed=changed))
    assert stage.failure(stage.serve(small_image)).code == "storage_unavailable"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"<html>ok</html>", b"[" * 200_000, b"\xff\xfe"]
)
def test_a_200_that_is_no_object_is_no_answer(
    stage: Stage, small_image: bytes, body: bytes
) -> None:
    stage.cloudinary.misbehave(Answer(200, body))
    assert stage.failure(stage.serve(small_image)).code == "storage_unavailable"


def test_an_endless_answer_is_not_read_to_its_end(stage: Stage, small_image: bytes) -> None:
    late = b'{"error": {"message": "comes too late"}}'
    stage.cloudinary.misbehave(Answer(400, b" " * 4_000_000 + late))
    assert stage.failure(stage.serve(small_image)).message == "Cloudinary answers 400"


def test_the_answer_is_asked_for_without_an_encoding(stage: Stage, small_image: bytes) -> None:
    stage.copy(stage.serve(small_image))
    assert stage.cloudinary.requests[0].headers["accept-encoding"] == "identity"


def test_another_hash_is_a_mismatch(stage: Stage, small_image: bytes) -> None:
    stage.cloudinary.misbehave(AlterAnswer(changed={"etag": "0" * 32}))
    error = stage.failure(stage.serve(small_image))
    assert (error.code, error.upstream) == ("storage_mismatch", "cloudinary")
    assert hashlib.md5(small_image).hexdigest() in error.message
    assert "VERIFY_STORED" in error.message


@pytest.mark.parametrize("difference", [-1_000, 0, 1_000])
def test_other_bytes_are_a_mismatch(stage: Stage, small_image: bytes, difference: int) -> None:
    other = random_image(len(small_image) + difference, "JPEG", seed=99)
    stage.cloudinary.misbehave(StoreInstead(other))
    assert stage.failure(stage.serve(small_image)).code == "storage_mismatch"


def test_another_public_id_is_a_mismatch(stage: Stage, small_image: bytes) -> None:
    stage.cloudinary.misbehave(AlterAnswer(changed={"public_id": "panels/another"}))
    assert stage.failure(stage.serve(small_image)).code == "storage_mismatch"


def test_with_verify_size_a_hash_does_not_count(stage: Stage, small_image: bytes) -> None:
    stage.use(verify="size")
    stage.cloudinary.misbehave(AlterAnswer(changed={"etag": "0" * 32}))
    assert stage.copy(stage.serve(small_image)).etag == "0" * 32


def test_with_verify_size_another_size_is_a_mismatch(stage: Stage, small_image: bytes) -> None:
    stage.use(verify="size")
    stage.cloudinary.misbehave(StoreInstead(random_image(9_000, "JPEG", seed=99)))
    assert stage.failure(stage.serve(small_image)).code == "storage_mismatch"


@pytest.mark.parametrize("where", ["before_headers", "after_storing"])
def test_no_answer_in_time_is_unavailable(
    hasty_stage: Stage, small_image: bytes, release: threading.Event, where: str
) -> None:
    hang = Hang(release, "after_storing" if where == "after_storing" else "before_headers")
    hasty_stage.cloudinary.misbehave(hang)
    error = hasty_stage.failure(hasty_stage.serve(small_image))
    assert (error.code, error.upstream) == ("storage_unavailable", "cloudinary")


def test_a_storage_that_takes_nothing_is_unavailable(
    hasty_stage: Stage, release: threading.Event
) -> None:
    hasty_stage.use(max_image_bytes=64_000_000)
    hasty_stage.cloudinary.misbehave(Hang(release, "in_body"))
    # More than the buffers of the kernel hold.
    error = hasty_stage.failure(hasty_stage.serve(random_image(24_000_000, "PNG", seed=4)))
    assert (error.code, error.upstream) == ("storage_unavailable", "cloudinary")


def test_the_attempts_time_ends_a_wait_for_storage(
    stage: Stage, small_image: bytes, release: threading.Event
) -> None:
    stage.cloudinary.misbehave(Hang(release))
    started = time.monotonic()
    error = stage.failure(stage.serve(small_image), seconds=0.2)
    assert (error.code, error.upstream) == ("attempt_timeout", "cloudinary")
    assert time.monotonic() - started < PATIENT_SECONDS / 2


def test_a_connection_closed_before_the_answer_is_unavailable(
    stage: Stage, small_image: bytes
) -> None:
    stage.cloudinary.misbehave(CloseBeforeAnswer())
    error = stage.failure(stage.serve(small_image))
    assert (error.code, error.upstream) == ("storage_unavailable", "cloudinary")


def test_a_storage_that_is_not_there_is_unavailable(stage: Stage, small_image: bytes) -> None:
    stage.cloudinary.stop()
    assert stage.failure(stage.serve(small_image)).code == "storage_unavailable"


def test_an_upload_whose_answer_was_lost_replaces_itself(stage: Stage, small_image: bytes) -> None:
    url, storyboard_id = stage.serve(small_image), uuid4()
    stage.cloudinary.misbehave(LoseAnswer())
    with pytest.raises(AttemptError, match="storage_unavailable"):
        stage.copy(url, storyboard_id=storyboard_id)
    stored = stage.copy(url, storyboard_id=storyboard_id)
    lost, again = stage.cloudinary.uploads
    assert lost.public_id == again.public_id == stored.public_id
    asset = stage.cloudinary.asset(stored.public_id)
    assert asset is not None
    assert asset.asset_id == stored.asset_id


@pytest.mark.parametrize(
    ("status", "code"), [(429, "storage_rate_limited"), (413, "image_too_large")]
)
def test_an_answer_before_the_body_was_sent_is_read(
    stage: Stage, image: bytes, status: int, code: str
) -> None:
    stage.cloudinary.misbehave(AnswerEarly(status, b"", {"Retry-After": "9"}))
    error = stage.failure(stage.serve(image))
    assert (error.code, error.retry_after_seconds) == (code, 9)
    assert stage.cloudinary.uploads == []


def test_an_early_answer_that_cuts_the_connection_is_at_least_an_error_of_storage(
    stage: Stage,
) -> None:
    stage.cloudinary.misbehave(AnswerEarly(401, b"", abruptly=True))
    error = stage.failure(stage.serve(random_image(8_000_000, "PNG", seed=5)))
    # The network decides whether the answer survives the reset.
    assert error.code in {"storage_unauthorized", "storage_unavailable"}
    assert stage.cloudinary.uploads == []


def test_after_an_early_answer_the_next_attempt_succeeds(stage: Stage, image: bytes) -> None:
    stage.cloudinary.misbehave(AnswerEarly(503))
    url = stage.serve(image)
    stage.failure(url)
    assert stage.copy(url).bytes == len(image)
