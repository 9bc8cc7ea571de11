"""Transformations in Cloudinary's URLs."""

import pytest

from storyboard_worker.web.picture.delivery import transformed, within

SHARED = "https://res.cloudinary.com/demo/image/upload/"
PICTURE = "v1700000000/storyboards/7f-0a1b2c3d4e.png"


@pytest.mark.parametrize(
    "head",
    [
        SHARED,
        "http://res.cloudinary.com/demo/image/upload/",
        "https://demo-res.cloudinary.com/image/upload/",
        "https://images.example.com/image/upload/",
        "https://images.example.com/demo/image/upload/",
        "https://images.example.com:8443/demo/image/upload/",
        "http://127.0.0.1:4711/demo/image/upload/",
    ],
)
@pytest.mark.parametrize(
    "tail",
    [
        PICTURE,
        "v1/a.jpg",
        "v1/a",
        "v1/%E7%94%BB/a%20b.webp",
        "v1/storyboards/v2/a.jpg",
        "v1/a.jpg?_a=BAMAAA",
        "e_sharpen/v1/a.jpg",
        "c_fill,w_10/f_auto/v1/a.jpg",
    ],
)
def test_they_stand_right_after_upload(head: str, tail: str) -> None:
    url = head + tail
    assert transformed(url, "c_limit,w_640") == f"{head}c_limit,w_640/{tail}"
    both = transformed(url, "c_limit,w_640", "f_auto,q_auto")
    assert both == f"{head}c_limit,w_640/f_auto,q_auto/{tail}"


@pytest.mark.parametrize(
    "url",
    [
        "https://images.example.com/panel.png",
        "https://images.example.com/a/b/image/upload/v1/a.png",
        "https://res.cloudinary.com/demo/video/upload/v1/a.mp4",
        "https://res.cloudinary.com/demo/image/private/v1/a.png",
        "https://res.cloudinary.com/demo/image/authenticated/s--abcdefgh--/v1/a.png",
        "https://res.cloudinary.com/demo/image/fetch/https://example.com/v1/a.png",
        f"{SHARED}s--abcdefgh--/v1/a.png",
        f"{SHARED}s--abcdefgh--/w_10/v1/a.png",
        f"{SHARED}a.png",
        f"{SHARED}v1/",
        f"{SHARED}version/a.png",
        f"{SHARED}v1/a.png#part",
        f"{SHARED}v1/a b.png",
        f"ftp://res.cloudinary.com/demo/image/upload/{PICTURE}",
        f"https://x@evil.example/?{SHARED}{PICTURE}",
        "",
    ],
)
def test_another_url_stays_as_it_is(url: str) -> None:
    assert transformed(url, "c_limit,w_640", "f_auto") == url


def test_nothing_wanted_changes_nothing() -> None:
    assert transformed(SHARED + PICTURE) == SHARED + PICTURE
    assert transformed(SHARED + PICTURE, None, None) == SHARED + PICTURE
    assert transformed(SHARED + PICTURE, None, "f_auto") == f"{SHARED}f_auto/{PICTURE}"


def test_a_width_makes_no_picture_larger() -> None:
    assert within(640) == "c_limit,w_640"
