"""What axe-core finds on each page: light, dark and as narrow as a phone."""

from collections.abc import Callable
from typing import Literal
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import Axe
from tests.support.film import Film
from tests.support.watched_visits import Visit

HEIGHT = 900
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1280),
    ("dark", 1280),
    ("light", 360),
)


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()


@pytest.fixture
def assert_accessible(axe: Axe) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        for scheme, width in LOOKS:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": HEIGHT})
            assert axe.faults(page) == [], (page.url, scheme, width)

    return check


def test_the_gallery(visit: Visit, film: Film, assert_accessible: Callable[[Page], None]) -> None:
    film.add_ready(1)
    film.add_failed(2)
    film.add_waiting(3)
    page = visit("/")
    page.locator("#workers summary").click()
    for summary in page.locator("#causes summary").all():
        summary.click()
    assert_accessible(page)


def test_the_page_of_a_panel(
    visit: Visit, film: Film, assert_accessible: Callable[[Page], None]
) -> None:
    page = visit(f"/panels/{film.add_ready(1)}?notice=processed")
    expect(page.get_by_role("img", name="The picture of Panel 1")).to_be_visible()
    assert_accessible(page)
    page.goto(f"/panels/{film.add_failed(2)}")
    assert_accessible(page)
    page.goto(f"/panels/{film.add_waiting(3)}")
    assert_accessible(page)


def test_the_pages_around(
    visit: Visit, film: Film, assert_accessible: Callable[[Page], None]
) -> None:
    film.add_failed(2)
    page = visit(f"/retry?state=failed&project={film.project}")
    assert_accessible(page)
    page.goto("/?project=no-such-project")
    assert_accessible(page)
    page.goto(f"/panels/{uuid4()}")
    assert_accessible(page)
    page.get_by_role("button", name="Sign out").click()
    assert_accessible(page)
    page.locator("#token").fill("wrong")
    page.locator("#token").press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)
