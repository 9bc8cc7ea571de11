"""Bodies that are not the whole image are not stored."""

import pytest

from storyboard_worker.demo.faults import (
    Answer,
    Chunked,
    CutFile,
    Encoded,
    NoLength,
    ResetInBody,
    ServeBytes,
    Truncate,
    WrongLength,
)
from storyboard_worker.demo.pictures import Format, draw, random_image
from tests.support.image_files import image_case
from tests.support.stage import Stage

ERROR_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@pytest.mark.parametrize("at_bytes", [0, 1, 15, 16, 4_000, 300_000, 699_999])
@pytest.mark.parametrize("fault", [Truncate, ResetInBody])
def test_a_body_that_breaks_off_is_truncated(
    stage: Stage, image: bytes, fault: type[Truncate | ResetInBody], at_bytes: int
) -> None:
    error = stage.source_failure(stage.serve(image, [fault(at_bytes)]))
    assert (error.code, error.upstream) == ("image_truncated", "127.0.0.1")


def test_a_declared_length_that_is_not_reached_is_truncated(stage: Stage, image: bytes) -> None:
    error = stage.source_failure(stage.serve(image, [WrongLength(len(image) + 1)]))
    assert error.code == "image_truncated"


def test_a_declared_length_that_cuts_the_image_is_truncated(stage: Stage, image: bytes) -> None:
    error = stage.source_failure(stage.serve(image, [WrongLength(len(image) - 1)]))
    assert error.code == "image_truncated"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("missing", [1, 2, 12, 5_000, 200_000])
def test_a_file_without_its_end_is_truncated(
    stage: Stage, image_format: Format, missing: int
) -> None:
    whole = random_image(600_000, image_format, seed=3)
    error = stage.source_failure(stage.serve(whole, [CutFile(len(whole) - missing)]))
    assert error.code == "image_truncated"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_drawn_picture_cut_in_half_is_truncated(stage: Stage, image_format: Format) -> None:
    whole = draw(7, width=320, height=180, format=image_format)
    error = stage.source_failure(stage.serve(whole, [CutFile(len(whole) // 2)]))
    assert error.code == "image_truncated"


def test_a_small_file_without_its_end_is_truncated(stage: Stage, small_image: bytes) -> None:
    error = stage.source_failure(stage.serve(small_image, [CutFile(4_000)]))
    assert error.code == "image_truncated"


def test_an_end_marker_within_the_metadata_does_not_count(stage: Stage) -> None:
    cut = image_case("jpeg-CUT-after-exif-thumbnail.jpg")
    error = stage.source_failure(stage.serve(cut))
    assert error.code == "image_truncated"
    assert error.message == "the image is not whole: the jpg lacks its end"


@pytest.mark.parametrize("length", [5_890, 2_945])
def test_a_webp_that_says_it_has_no_bytes_is_truncated(stage: Stage, length: int) -> None:
    unfinished = image_case("webp-riff-size-zero.webp")[:length]
    assert stage.source_failure(stage.serve(unfinished)).code == "image_truncated"


@pytest.mark.parametrize("fault", [ServeBytes(b""), NoLength(), Chunked()])
def test_an_empty_body_is_truncated(stage: Stage, fault: ServeBytes | NoLength | Chunked) -> None:
    assert stage.source_failure(stage.serve(b"", [fault])).code == "image_truncated"


@pytest.mark.parametrize("at_bytes", [0, 10, 300_000])
def test_a_chunked_body_that_breaks_off_is_truncated(
    stage: Stage, image: bytes, at_bytes: int
) -> None:
    error = stage.source_failure(stage.serve(image, [Chunked(breaks_off_at_bytes=at_bytes)]))
    assert error.code == "image_truncated"


def test_a_cut_file_without_a_length_is_truncated(stage: Stage, image: bytes) -> None:
    error = stage.source_failure(stage.serve(image[:-2], [NoLength()]))
    assert error.code == "image_truncated"


@pytest.mark.parametrize(
    "body",
    [ERROR_PAGE, b'{"error": "expired"}', b"GIF89a" + bytes(2_000), b"<svg/>", bytes(2_000)],
)
def test_a_body_that_is_no_image_is_invalid(stage: Stage, body: bytes) -> None:
    error = stage.source_failure(stage.serve(b"", [ServeBytes(body)]))
    assert error.code == "image_invalid"
    assert stage.cloudinary.requests == []


def test_the_error_of_a_body_that_is_no_image_names_its_encoding(
    stage: Stage, image: bytes
) -> None:
    error = stage.source_failure(stage.serve(image, [Encoded("gzip")]))
    assert error.code == "image_invalid"
    assert "gzip" in error.message
    assert stage.origin.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "encoding",
    ["Identity", "identity, identity", "aws-chunked", "UTF-8", "none", "binary", "gzip", ""],
)
def test_an_encoding_does_not_matter_for_bytes_that_are_intact(
    stage: Stage, small_image: bytes, encoding: str
) -> None:
    """Stores like S3 and proxies name encodings that they never applied."""
    plain = Answer(200, small_image, {"Content-Encoding": encoding})
    assert stage.copy(stage.serve(b"", [plain])).bytes == len(small_image)


@pytest.mark.parametrize("status", [200, 203, 206])
def test_a_partial_answer_that_holds_all_of_it_is_taken(
    stage: Stage, small_image: bytes, status: int
) -> None:
    length = len(small_image)
    headers = {"Content-Range": f"bytes 0-{length - 1}/{length}"}
    stored = stage.copy(stage.serve(b"", [Answer(status, small_image, headers)]))
    assert stored.bytes == length


@pytest.mark.parametrize(
    "content_range",
    ["bytes 0-{half}/{length}", "bytes 1-{last}/{length}", "bytes 0-{last}/*", "bytes */{length}"],
)
def test_a_part_of_it_is_truncated(stage: Stage, small_image: bytes, content_range: str) -> None:
    length = len(small_image)
    said = content_range.format(half=length // 2, last=length - 1, length=length)
    part = Answer(206, small_image, {"Content-Range": said})
    error = stage.source_failure(stage.serve(b"", [part]))
    assert (error.code, error.http_status) == ("image_truncated", 206)


def test_an_image_declared_too_large_is_not_even_read(stage: Stage, image: bytes) -> None:
    stage.use(max_image_bytes=len(image) - 1)
    error = stage.source_failure(stage.serve(image))
    assert (error.code, error.upstream) == ("image_too_large", "127.0.0.1")
    assert "MAX_IMAGE_BYTES" in error.message


@pytest.mark.parametrize("fault", [Chunked(), NoLength()])
def test_an_image_that_turns_out_too_large_is_refused(
    stage: Stage, image: bytes, fault: Chunked | NoLength
) -> None:
    stage.use(max_image_bytes=len(image) - 1)
    error = stage.source_failure(stage.serve(image, [fault]))
    assert error.code == "image_too_large"


@pytest.mark.parametrize("faults", [[], [Chunked()], [NoLength()]])
def test_an_image_of_exactly_the_limit_passes(
    stage: Stage, image: bytes, faults: list[Chunked | NoLength]
) -> None:
    stage.use(max_image_bytes=len(image))
    assert stage.copy(stage.serve(image, faults)).bytes == len(image)


@pytest.mark.parametrize("declared", ["12, 13", "many", "-5"])
def test_a_length_that_can_be_read_two_ways_is_not_trusted(
    stage: Stage, small_image: bytes, declared: str
) -> None:
    unclear = Answer(200, small_image, {"Content-Length": declared})
    error = stage.source_failure(stage.serve(b"", [unclear]))
    assert error.code == "source_unavailable"
