"""Which requests are answered from memory."""

from uuid import UUID

import pytest

from storyboard_worker.queries.pictures import Shown
from storyboard_worker.web.picture.image import PictureImage
from storyboard_worker.web.picture.quick import QuickImages
from storyboard_worker.web.shared_reads import Recent
from tests.support.image_requests import CHINESE, ID, asked

OTHER_ID = "0b8f2c63-6f0e-4c40-9d55-90b7d2f5a111"


def quick_images() -> QuickImages:
    shown = Shown("pending", "Storyboard is ready", None)
    return QuickImages(
        PictureImage(lambda _: shown, delivery=None),
        lambda id_, _: Recent(shown) if id_ == UUID(ID) else None,
    )


@pytest.mark.parametrize(
    "data",
    [
        asked(headers=b"Content-Length: 0\r\n"),
        asked(headers=b"Transfer-Encoding: chunked\r\n"),
        asked(headers=b"EXPECT: 100-continue\r\n"),
        asked(headers=b"Upgrade: h2c\r\n"),
        asked(headers=CHINESE + CHINESE),
        asked(headers=b"Accept-Language: " + b"a" * 201 + b"\r\n"),
        asked(headers=b"A: b\r\n folded\r\n"),
        asked(headers=b"A : b\r\n"),
        asked(headers=b"A: \x00\r\n"),
        asked(headers=b"nonsense\r\n"),
        asked(b"?" + b"w" * 201),
        asked(b"?a b"),
        asked(b"?a#b"),
        asked(id_=OTHER_ID),
        asked(id_="nonsense"),
        asked(id_=ID.upper()),
        asked()[:-1],
        asked() + b"GET",
        asked().replace(b"GET", b"HEAD"),
        asked().replace(b"GET", b"POST"),
        asked().replace(b"HTTP/1.1", b"HTTP/1.0"),
        asked().replace(b"/image", b"/process"),
        asked().replace(b"\r\n", b"\n"),
        b"",
        b"\x16\x03\x01",
    ],
)
def test_what_is_unusual_goes_the_usual_way(data: bytes) -> None:
    images = quick_images()
    assert images(asked()) is not None
    assert images(data) is None
