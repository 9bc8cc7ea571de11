"""The size that a request asks for."""

import pytest

from storyboard_worker.web.picture.size import Size, pixels, size_of


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (None, None),
        ("640", 640),
        ("16", 16),
        ("4096", 4096),
        ("15", 16),
        ("0", 16),
        ("4097", 4096),
        ("999999999", 4096),
        ("9999999999", None),
        ("-1", None),
        ("+5", None),
        ("640.5", None),
        ("", None),
        (" 640", None),
        ("640px", None),
        ("\u0663\u0663", None),
        ("1e3", None),
    ],
)
def test_pixels(raw: str | None, found: int | None) -> None:
    assert pixels(raw) == found


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ({}, Size(640, 360)),
        ({"w": "1920"}, Size(1920, 1080)),
        ({"h": "1080"}, Size(1920, 1080)),
        ({"w": "300", "h": "300"}, Size(300, 300)),
        ({"w": "16"}, Size(16, 16)),
        ({"h": "4096"}, Size(4096, 4096)),
        ({"w": "wide", "h": "tall"}, Size(640, 360)),
        ({"w": "99999", "h": "1"}, Size(4096, 16)),
    ],
)
def test_where_a_side_is_missing_they_are_as_16_to_9(query: dict[str, str], size: Size) -> None:
    assert size_of(query) == size
