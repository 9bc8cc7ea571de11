"""Image files from practice are judged as decoders judge them."""

import pytest

from tests.support.image_files import IMAGE_CASES, image_case
from tests.support.pieces import is_whole, is_whole_byte_by_byte

WHOLE = {
    "jpeg-cmyk-adobe.jpg",
    "jpeg-ff-fill-before-markers.jpg",
    "jpeg-motion-photo-6k-mp4.jpg",
    "jpeg-mpf-two-images.jpg",
    "jpeg-padded-2k-zeros.jpg",
    "jpeg-c2pa-signed.jpg",
    "png-c2pa-caBX.png",
    "png-c2pa-signed.png",
    "png-iend-crc-wrong.png",
    "png-trailing-zip-5k.png",
    "webp-animated.webp",
    "webp-lossless.webp",
}
NOT_WHOLE = {
    "jpeg-CUT-after-exif-thumbnail.jpg",
    "jpeg-eoi-half.jpg",
    "jpeg-no-eoi.jpg",
    "png-no-iend.png",
    "webp-riff-size-plus8.webp",
    "webp-riff-size-zero.webp",
}


@pytest.mark.parametrize("name", sorted(WHOLE | NOT_WHOLE))
def test_a_file_from_practice_is_judged_as_decoders_do(name: str) -> None:
    body = image_case(name)
    assert is_whole(body) is (name in WHOLE)
    assert is_whole_byte_by_byte(body) is (name in WHOLE)


def test_every_file_has_a_verdict() -> None:
    assert {path.name for path in IMAGE_CASES.iterdir()} == WHOLE | NOT_WHOLE
