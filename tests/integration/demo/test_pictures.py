"""The pictures are real: Pillow opens them, and they have the sizes that were asked for."""

import io

import pytest
from PIL import Image

from storyboard_worker.demo.dimensions import Dimensions, dimensions_of
from storyboard_worker.demo.pictures import Format, draw, random_image

FORMATS: dict[Format, str] = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}


@pytest.mark.parametrize("format", FORMATS)
def test_panels_are_pictures(format: Format) -> None:  # noqa: A002  Pillow's word
    image = draw(7, width=320, height=200, format=format)

    with Image.open(io.BytesIO(image)) as picture:
        picture.load()
        assert (picture.format, picture.size) == (format, (320, 200))
    assert dimensions_of(image) == Dimensions(FORMATS[format], 320, 200)


def test_panels_differ_and_repeat() -> None:
    panels = [draw(number, width=160, height=90, format="PNG") for number in range(5)]

    assert len(set(panels)) == 5
    assert panels[3] == draw(3, width=160, height=90, format="PNG")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("byte_count", [4096, 70_001, 131_075, 1_000_000, 30_000_000])
def test_random_images_have_the_size_asked_for(format: Format, byte_count: int) -> None:  # noqa: A002  Pillow's word
    image = random_image(byte_count, format, seed=3)

    assert len(image) == (byte_count // 2 * 2 if format == "WEBP" else byte_count)
    with Image.open(io.BytesIO(image)) as picture:
        picture.load()
        assert picture.format == format
    assert dimensions_of(image) == Dimensions(FORMATS[format], 24, 24)


@pytest.mark.parametrize("format", FORMATS)
def test_random_images_by_seed(format: Format) -> None:  # noqa: A002  Pillow's word
    assert random_image(5000, format, 1) == random_image(5000, format, 1)
    assert random_image(5000, format, 1) != random_image(5000, format, 2)
    with pytest.raises(ValueError, match="smallest possible size"):
        random_image(100, format, 1)


def test_every_padding_fits() -> None:
    smallest = 65_537 + 2000

    assert {len(random_image(n, "JPEG", 1)) - n for n in range(smallest, smallest + 2000)} == {0}


@pytest.mark.parametrize("lossless", [True, False])
def test_plain_webp_is_measured(lossless: bool) -> None:  # noqa: FBT001  a parameter of pytest
    file = io.BytesIO()
    Image.new("RGB", (301, 47)).save(file, "WEBP", lossless=lossless)

    assert dimensions_of(file.getvalue()) == Dimensions("webp", 301, 47)


@pytest.mark.parametrize("cut", range(0, 24, 3))
@pytest.mark.parametrize("format", FORMATS)
def test_cut_headers_have_no_dimensions(format: Format, cut: int) -> None:  # noqa: A002  Pillow's word
    assert dimensions_of(random_image(4096, format, seed=1)[:cut]) is None
