"""Real images are whole with any bytes after them. Cut anywhere, they are not."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storyboard_worker.transfer.images import HEAD_BYTES, ImageType, recognise
from tests.support.pieces import CUTS, is_whole, is_whole_byte_by_byte


def picture(image_format: str, **options: object) -> bytes:
    """It is noise, so that the file is large. It contains bytes 0xFF."""
    noise = Image.effect_noise((96, 64), 80).convert("RGB")
    file = io.BytesIO()
    noise.save(file, image_format, **options)
    return file.getvalue()


# Its end markers belong to a thumbnail, to a profile, and to nothing.
METADATA = b"Exif\0\0" + picture("JPEG", quality=10) + b"\xff\xd9IEND\xaeB`\x82\xff"
PICTURES = {
    "jpeg": (ImageType.JPEG, picture("JPEG", quality=95)),
    "progressive jpeg": (ImageType.JPEG, picture("JPEG", progressive=True)),
    "jpeg with restarts": (ImageType.JPEG, picture("JPEG", restart_marker_blocks=1)),
    "jpeg with a thumbnail": (ImageType.JPEG, picture("JPEG", exif=METADATA)),
    "png": (ImageType.PNG, picture("PNG")),
    "png with a thumbnail": (ImageType.PNG, picture("PNG", exif=METADATA)),
    "lossy webp": (ImageType.WEBP, picture("WEBP")),
    "lossless webp": (ImageType.WEBP, picture("WEBP", lossless=True)),
    "extended webp": (ImageType.WEBP, picture("WEBP", exif=METADATA)),
}
kinds = pytest.mark.parametrize(("image_type", "body"), PICTURES.values(), ids=PICTURES)
bodies = pytest.mark.parametrize("body", [body for _, body in PICTURES.values()], ids=PICTURES)
TRAILERS = st.one_of(
    st.binary(max_size=500),
    st.sampled_from([bytes(5_000), b"\xff" * 3_000, *(body for _, body in PICTURES.values())]),
)


@kinds
def test_the_type_shows_in_the_first_bytes(image_type: ImageType, body: bytes) -> None:
    assert recognise(body[:HEAD_BYTES]) is image_type


@bodies
@settings(max_examples=40, deadline=None)
@given(trailer=TRAILERS, at=CUTS)
def test_a_whole_image_is_whole_whatever_follows(
    body: bytes, trailer: bytes, at: list[int]
) -> None:
    assert is_whole(body + trailer, at)


@bodies
@settings(max_examples=60, deadline=None)
@given(data=st.data(), at=CUTS)
def test_an_image_that_was_cut_anywhere_is_not(
    body: bytes, data: st.DataObject, at: list[int]
) -> None:
    length = data.draw(st.integers(HEAD_BYTES, len(body) - 1))
    assert not is_whole(body[:length], at)


@bodies
def test_it_is_whole_with_its_last_byte_and_not_before(body: bytes) -> None:
    assert is_whole_byte_by_byte(body)
    assert not is_whole_byte_by_byte(body[:-1])


@bodies
@pytest.mark.parametrize("missing", [1, 2, 11, 12, 13])
def test_the_last_bytes_may_not_be_missing(body: bytes, missing: int) -> None:
    assert not is_whole(body[:-missing])


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
