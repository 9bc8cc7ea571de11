"""Which pictures a page may load."""

import pytest

from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.web.board.pictures import CDN, Pictures, thumbnail

STAND_IN = "http://127.0.0.1:7001"
USUAL = CloudinarySettings("cloud", "key", "secret")
OWN_API = CloudinarySettings("cloud", "key", "secret", upload_prefix=f"{STAND_IN}/api")


@pytest.mark.parametrize(
    ("account", "url", "origins"),
    [
        (None, None, [CDN]),
        (USUAL, f"{CDN}/cloud/image/upload/v1/a.jpg", [CDN]),
        (USUAL, "https://img.example/image/upload/v1/a.jpg", ["https://img.example", CDN]),
        (USUAL, "https://IMG.example:8443/a.jpg", ["https://img.example:8443", CDN]),
        (USUAL, "http://img.example/a.jpg", [CDN]),
        (USUAL, "https://a.example;script-src *", [CDN]),
        (USUAL, "https://a.example *", [CDN]),
        (USUAL, "https://user@a.example/", [CDN]),
        (USUAL, "https://a.ex'ample/", [CDN]),
        (USUAL, "https://[::1/", [CDN]),
        (USUAL, "javascript:alert(1)", [CDN]),
        (USUAL, "data:image/png;base64,AAAA", [CDN]),
        (OWN_API, f"{STAND_IN}/cloud/image/upload/v1/a.jpg", [STAND_IN, CDN]),
    ],
)
def test_origins(account: CloudinarySettings | None, url: str | None, origins: list[str]) -> None:
    assert Pictures(account).origins([url]) == origins


def test_more_pictures_are_expected_where_the_newest_lie() -> None:
    pictures = Pictures(USUAL)
    pictures.expect_more_like(["https://a.example/1.jpg", "https://a.example/2.jpg"])
    pictures.expect_more_like(["https://b.example/1.jpg", "http://c.example/1.jpg", "javascript:x"])
    assert pictures.origins([]) == ["https://b.example", CDN]


@pytest.mark.parametrize(
    ("url", "is_shown"),
    [
        (None, False),
        (f"{CDN}/cloud/image/upload/v1/a.jpg", True),
        ("http://img.example/a.jpg", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_only_a_picture_that_may_be_loaded_is_shown(url: str | None, is_shown: bool) -> None:  # noqa: FBT001  a column of the table
    assert Pictures(USUAL).is_shown(url) is is_shown


def test_a_thumbnail_is_a_transformation_of_the_cdn() -> None:
    small = thumbnail(f"{CDN}/cloud/image/upload/v12/storyboards/a.jpg")
    assert small.startswith(f"{CDN}/cloud/image/upload/c_fill,w_480,h_270,f_auto,q_auto/v12/")
    assert thumbnail("https://other.example/a.jpg") == "https://other.example/a.jpg"
