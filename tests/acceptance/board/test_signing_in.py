"""Signing in and out in a browser."""

from playwright.sync_api import Page, expect

from tests.support.board_browser import TOKEN
from tests.support.film import Film
from tests.support.watched_visits import Visit


def try_token(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in to the board").click()


def test_a_wrong_token_is_refused_and_the_right_one_leads_to_what_was_asked_for(
    visit: Visit, film: Film
) -> None:
    panel = film.add_ready(7)
    page = visit(f"/panels/{panel}", signed_in=False)
    try_token(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("This token is wrong.")
    assert page.context.cookies() == []

    try_token(page, TOKEN)

    expect(page.get_by_role("heading", level=1)).to_contain_text("Panel 7")
    assert page.url.endswith(f"/panels/{panel}")
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert TOKEN not in cookie["value"]


def test_after_signing_out_the_board_asks_for_the_token(visit: Visit) -> None:
    page = visit("/", signed_in=False)
    try_token(page, TOKEN)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()

    page.goto("/")

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
