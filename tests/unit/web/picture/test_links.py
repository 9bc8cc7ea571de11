"""Which addresses of pictures the image route leads to."""

import pytest
from werkzeug.test import create_environ
from werkzeug.wrappers import Request

from storyboard_worker.queries.pictures import Shown
from storyboard_worker.web.picture.image import PictureImage


def sent(picture_url: str) -> tuple[int, str | None]:
    """Status and location of the answer, as the server sends them."""
    environ = create_environ()
    images = PictureImage(lambda _: None, delivery=None)
    shown = Shown("ready", "Storyboard is ready", picture_url)
    response = images.answer(Request(environ), shown)
    return response.status_code, response.get_wsgi_headers(environ).get("Location")


@pytest.mark.parametrize(
    "link",
    ["https://cdn.example/a.jpg", "http://127.0.0.1:8080/a.jpg?x#y", "https://[::1]:99/a.jpg"],
)
def test_an_address_that_leads_to_a_host(link: str) -> None:
    assert sent(link) == (302, link)


@pytest.mark.parametrize(
    "link",
    [
        "https://[::1/a.jpg",
        "https://a]/a.jpg",
        "https://a.example:port/a.jpg",
        "https://a.example:99999/a.jpg",
        "https://a.example:0/a.jpg",
        "https:///a.jpg",
        "https://:443/a.jpg",
        "https://?a.jpg",
    ],
)
def test_an_address_that_no_browser_can_follow(link: str) -> None:
    assert sent(link) == (200, None)
