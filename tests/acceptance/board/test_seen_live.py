"""What an open page shows of panels that change, without being loaded again."""

import re
from uuid import UUID

from playwright.sync_api import Locator, Page, expect

from tests.support.film import Film
from tests.support.watched_visits import Visit, come_back_to

# A page asks within 4 s of its last news.
NEWS_MS = 20_000


def card_of(page: Page, panel: UUID) -> Locator:
    return page.locator(f"#panel-{panel}")


def mark(page: Page) -> None:
    """Leave a mark in the page, which is gone when it is loaded again."""
    page.evaluate("window.isTheSamePage = true")


def assert_not_loaded_again(page: Page) -> None:
    assert page.evaluate("window.isTheSamePage === true")


def shows_a_picture(page: Page, image: Locator) -> None:
    expect(image).to_be_visible(timeout=NEWS_MS)
    image.scroll_into_view_if_needed()
    handle = image.element_handle()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=handle)


def test_a_panel_goes_from_waiting_to_its_picture(visit: Visit, film: Film) -> None:
    panel = film.add_waiting(1)
    page = visit(f"/?project={film.project}")
    mark(page)
    card = card_of(page, panel)
    expect(card.locator(".badge")).to_have_text("Waiting")
    expect(card.locator("img")).to_have_count(0)

    film.let_go(panel)

    shows_a_picture(page, card.locator("img"))
    expect(card.locator(".badge")).to_have_text("Ready")
    expect(page.locator("#said")).to_have_text("Panel 1: Ready.")
    assert_not_loaded_again(page)


def test_a_failed_panel_is_retried_and_becomes_ready(visit: Visit, film: Film) -> None:
    panel = film.add_failed(3)
    page = visit(f"/?project={film.project}")
    card = card_of(page, panel)
    expect(card.locator(".placeholder")).to_have_text("The image arrives incomplete")

    card.get_by_role("button", name="Retry Panel 3").click()

    expect(page.get_by_text("1 panel waits for another attempt.")).to_be_visible()
    mark(page)
    film.wait_for(panel, "ready")
    come_back_to(page)
    expect(page.locator("h1 .badge")).to_have_text("Ready")
    shows_a_picture(page, page.get_by_role("img", name="The picture of Panel 3"))
    assert_not_loaded_again(page)


def test_a_waiting_panel_is_processed_at_once(visit: Visit, film: Film) -> None:
    page = visit(f"/panels/{film.add_waiting(2)}")

    page.get_by_role("button", name="Process now").click()

    expect(page.locator("h1 .badge")).to_have_text("Ready", timeout=NEWS_MS)
    expect(page.get_by_role("button", name="Process now")).to_have_count(0)
    shows_a_picture(page, page.get_by_role("img", name="The picture of Panel 2"))


def test_ages_count_from_the_servers_clock(visit: Visit, film: Film) -> None:
    film.add_waiting(1)
    page = visit(f"/?project={film.project}")
    age = page.locator(".card .when time")
    page.evaluate("setClock('2031-01-01T00:00:00Z'); refreshAges()")
    expect(age).to_contain_text("days ago")

    come_back_to(page)

    expect(age).to_have_text(re.compile(r"^(now|\d+ s ago)$"))
    assert page.evaluate("[age(-9, false), age(-9, true)]") == ["now", "in 9 s"]


def test_panels_that_come_are_told_and_panels_that_go_disappear(visit: Visit, film: Film) -> None:
    old = film.add_waiting(1)
    page = visit(f"/?project={film.project}")
    newest = page.get_by_role("link", name="Show the newest panels")
    expect(newest).to_be_hidden()

    new = film.add_waiting(2)
    film.delete(old)
    come_back_to(page)

    expect(card_of(page, old)).to_have_count(0)
    newest.click()
    expect(card_of(page, new)).to_be_visible()
