"""What an open page tells when something does not answer, or the session is over."""

import psycopg
from playwright.sync_api import expect

from storyboard_worker.demo.cloudinary import Cloudinary
from tests.support.film import Film
from tests.support.producing import storyboard
from tests.support.watched_visits import Visit, come_back_to

# So long a page waits for an answer.
SILENCE_MS = 15_000


def test_a_page_tells_that_it_is_not_up_to_date_until_it_is_again(visit: Visit, film: Film) -> None:
    page = visit(f"/panels/{film.add_waiting(1)}", loads_may_fail=True)
    told = page.get_by_text("This page is not up to date")
    page.context.set_offline(True)
    come_back_to(page)
    expect(told).to_be_visible()

    page.context.set_offline(False)
    come_back_to(page)

    expect(told).to_have_count(0)


def test_a_server_that_stays_silent_is_told(visit: Visit, film: Film) -> None:
    page = visit(f"/panels/{film.add_waiting(1)}", loads_may_fail=True)
    told = page.get_by_text("This page is not up to date")
    page.clock.install()
    page.route("**/live", lambda _: None)
    with page.expect_request("**/live"):
        come_back_to(page)
    expect(told).to_be_hidden()

    page.clock.fast_forward(SILENCE_MS)

    expect(told).to_be_visible()
    page.unroute("**/live")
    come_back_to(page)
    expect(told).to_have_count(0)


def test_a_page_tells_that_the_session_is_over(visit: Visit, film: Film) -> None:
    page = visit(f"/panels/{film.add_waiting(1)}", loads_may_fail=True)
    page.context.clear_cookies()
    come_back_to(page)
    expect(page.get_by_text("You are signed out. Reload the page to sign in.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Token")).to_be_visible()


def test_a_picture_that_is_gone_from_the_cdn_is_told_in_words(
    visit: Visit, film: Film, cloudinary: Cloudinary, producer: psycopg.Connection
) -> None:
    panel = film.add_ready(1)
    cloudinary.delivery.delete(storyboard(producer, panel)["public_id"])
    page = visit(f"/?project={film.project}", loads_may_fail=True)
    expect(page.locator(".card .placeholder")).to_have_text("The picture does not load.")
    page.goto(f"/panels/{panel}")
    expect(page.locator("#picture .placeholder")).to_have_text("The picture does not load.")
