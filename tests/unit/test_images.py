"""Real images are whole; the same images cut anywhere are not."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storyboard_worker.images import HEAD_BYTES, TAIL_BYTES, ImageType, is_whole, recognise


def picture(image_format: str, **options: object) -> bytes:
    """Noise, so that the file is large; 0xFF bytes come up in it."""
    noise = Image.effect_noise((96, 64), 80).convert("RGB")
    file = io.BytesIO()
    noise.save(file, image_format, **options)
    return file.getvalue()


PICTURES = {
    "jpeg": (ImageType.JPEG, picture("JPEG", quality=95)),
    "progressive jpeg": (ImageType.JPEG, picture("JPEG", progressive=True)),
    "png": (ImageType.PNG, picture("PNG")),
    "lossy webp": (ImageType.WEBP, picture("WEBP")),
    "lossless webp": (ImageType.WEBP, picture("WEBP", lossless=True)),
}
kinds = pytest.mark.parametrize(("image_type", "body"), PICTURES.values(), ids=PICTURES)


def whole(image_type: ImageType, body: bytes) -> bool:
    return is_whole(image_type, body[:HEAD_BYTES], body[-TAIL_BYTES:], len(body))


@kinds
def test_the_type_shows_in_the_first_bytes(image_type: ImageType, body: bytes) -> None:
    assert recognise(body[:HEAD_BYTES]) is image_type


@kinds
def test_a_whole_image_is_whole(image_type: ImageType, body: bytes) -> None:
    assert len(body) > 2 * TAIL_BYTES
    assert whole(image_type, body)


@kinds
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_image_that_was_cut_anywhere_is_not(
    image_type: ImageType, body: bytes, data: st.DataObject
) -> None:
    length = data.draw(st.integers(HEAD_BYTES, len(body) - 1))
    assert not whole(image_type, body[:length])


@kinds
@pytest.mark.parametrize("missing", [1, 2, 11, 12, 13])
def test_not_even_the_last_bytes_may_be_missing(
    image_type: ImageType, body: bytes, missing: int
) -> None:
    assert not whole(image_type, body[:-missing])


@kinds
@settings(max_examples=20, deadline=None)
@given(garbage=st.binary(max_size=500))
def test_what_programs_append_is_allowed(
    image_type: ImageType, body: bytes, garbage: bytes
) -> None:
    assert whole(image_type, body + garbage)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"GIF89a" + bytes(10),
        b"<html><body>Service",
        b'{"error": "expired"}',
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"RIFX\x00\x00\x00\x00WEBPVP8 ",
        b"\x89PNG\n\x1a\n" + bytes(9),
        b"BM" + bytes(14),
        b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00",
    ],
)
def test_anything_else_is_no_image(head: bytes) -> None:
    assert recognise(head) is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=HEAD_BYTES))
def test_no_bytes_break_the_recognition(head: bytes) -> None:
    starts = {
        ImageType.JPEG: head.startswith(b"\xff\xd8\xff"),
        ImageType.PNG: head.startswith(b"\x89PNG\r\n\x1a\n"),
        ImageType.WEBP: head.startswith(b"RIFF") and head[8:12] == b"WEBP",
        None: True,
    }
    assert starts[recognise(head)]


def test_the_types_are_named_as_cloudinary_names_them() -> None:
    assert {str(image_type) for image_type in ImageType} == {"jpg", "png", "webp"}
