"""The board on a phone, in the dark, and in Chinese."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.film import Film
from tests.support.watched_visits import Visit

PHONE = ViewportSize(width=360, height=780)
# The page itself, if it can be scrolled sideways, and what sticks out of it.
TOO_WIDE = """
() => {
  const root = document.scrollingElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  return [root, ...document.querySelectorAll("body *")]
    .filter((one) => one === root || one.getBoundingClientRect().right > root.clientWidth)
    .map((one) => `${one.tagName} ${one.id || one.className}`);
}
"""
GROUND = "() => getComputedStyle(document.body).backgroundColor"


def brightness(page: Page) -> float:
    """Of the page's ground: 0 is black, 255 white."""
    red, green, blue = page.evaluate(GROUND).removeprefix("rgb(").removesuffix(")").split(",")
    return (int(red) + int(green) + int(blue)) / 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_is_wider_than_a_phone(visit: Visit, film: Film, language: str) -> None:
    ready, failed = film.add_ready(1), film.add_failed(2)
    film.add_waiting(3)
    film.add(4, project_id="x" * 300)
    page = visit(f"/?lang={language}", viewport=PHONE, is_mobile=True)
    # The names of workers are long.
    page.locator("#workers summary").click()
    for summary in page.locator("#causes summary").all():
        summary.click()
    assert page.evaluate(TOO_WIDE) == []
    nothing = uuid4()
    for path in (f"/panels/{ready}", f"/panels/{failed}", f"/panels/{nothing}", "/retry"):
        page.goto(f"{path}?lang={language}")
        assert page.evaluate(TOO_WIDE) == [], path
    page.get_by_role("banner").get_by_role("button").click()
    expect(page.locator("#token")).to_be_visible()
    assert page.evaluate(TOO_WIDE) == []


def test_a_picture_of_another_shape_does_not_stretch_its_card(visit: Visit, film: Film) -> None:
    """The stand-in delivers all pictures as they are; these are square."""
    film.add_ready(1)
    page = visit(f"/?project={film.project}")
    expect(page.locator(".card img")).to_have_js_property("complete", value=True)
    box = page.locator(".card .picture").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(16 / 9, rel=0.01)


def test_the_board_is_dark_where_the_system_is(visit: Visit) -> None:
    page = visit("/", color_scheme="dark")
    assert brightness(page) < 60
    page.emulate_media(color_scheme="light")
    assert brightness(page) > 200


def test_the_browsers_language_is_spoken_and_the_other_is_one_press_away(
    visit: Visit, film: Film
) -> None:
    film.add_failed(2)
    page = visit(f"/?project={film.project}", locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator(".card .badge")).to_have_text("失败")
    expect(page.get_by_role("heading", name="分镜", exact=True)).to_be_visible()

    page.get_by_role("link", name="English").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(".card .badge")).to_have_text("Failed")
    # A filter keeps the choice.
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page).to_have_url(re.compile("state="))
    expect(page.locator(".card .badge")).to_have_text("Failed")
