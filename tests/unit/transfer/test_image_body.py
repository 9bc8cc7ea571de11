"""The body of an upload is never complete unless the image is whole."""

import hashlib
import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storyboard_worker.errors import AttemptError
from storyboard_worker.timings import Timings
from storyboard_worker.transfer.copying import ImageBody

HOST = "images.example.com"
few = settings(max_examples=60, deadline=None)


def picture() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((48, 48), 80).convert("RGB").save(file, "JPEG")
    return file.getvalue()


IMAGE = picture()
# Cut at any place, as sockets cut it.
cuts = st.lists(st.integers(1, len(IMAGE) - 1), max_size=8, unique=True).map(sorted)


def pieces(body: bytes, at: list[int]) -> Iterator[bytes]:
    for start, end in zip([0, *at], [*at, len(body)], strict=True):
        if body[start:end]:
            yield body[start:end]


def passed_before_the_error(body: ImageBody) -> int:
    """How many bytes passed before the error was raised."""
    passed: list[int] = []
    with pytest.raises(AttemptError, match="image_truncated"):
        passed.extend(len(chunk) for chunk in body)
    return sum(passed)


@few
@given(cuts)
def test_a_whole_image_passes_as_it_is(at: list[int]) -> None:
    body = ImageBody(pieces(IMAGE, at), len(IMAGE), HOST, Timings(), hashing=True)
    assert b"".join(body) == IMAGE
    assert body.md5_hex == hashlib.md5(IMAGE).hexdigest()


@few
@given(cuts, st.integers(16, len(IMAGE) - 1))
def test_a_file_without_its_end_never_passes_completely(at: list[int], length: int) -> None:
    cut = IMAGE[:length]
    body = ImageBody(
        pieces(cut, [p for p in at if p < length]), length, HOST, Timings(), hashing=False
    )
    assert passed_before_the_error(body) < length


@few
@given(cuts, st.integers(16, len(IMAGE) - 1))
def test_a_body_that_ends_early_never_passes_completely(at: list[int], length: int) -> None:
    cut = IMAGE[:length]
    chunks = pieces(cut, [p for p in at if p < length])
    body = ImageBody(chunks, len(IMAGE), HOST, Timings(), hashing=False)
    assert passed_before_the_error(body) < length


def test_a_whole_image_of_another_length_than_declared_is_refused() -> None:
    body = ImageBody(iter([IMAGE]), len(IMAGE) + 1, HOST, Timings(), hashing=False)
    assert passed_before_the_error(body) == 0


def test_an_error_of_the_source_passes_through() -> None:
    def broken() -> Iterator[bytes]:
        yield IMAGE[:100]
        raise ConnectionError("gone")

    body = ImageBody(broken(), len(IMAGE), HOST, Timings(), hashing=False)
    with pytest.raises(ConnectionError, match="gone"):
        list(body)


@pytest.mark.parametrize(
    ("chunks", "code"),
    [([], "image_truncated"), ([b"<html>"], "image_invalid"), ([b"GIF89a" * 9], "image_invalid")],
)
def test_the_first_bytes_decide_before_anything_is_sent(chunks: list[bytes], code: str) -> None:
    with pytest.raises(AttemptError, match=code):
        ImageBody(iter(chunks), 100, HOST, Timings(), hashing=True)


def test_without_hashing_there_is_no_hash() -> None:
    body = ImageBody(iter([IMAGE]), len(IMAGE), HOST, Timings(), hashing=False)
    assert b"".join(body) == IMAGE
    assert body.md5_hex is None
