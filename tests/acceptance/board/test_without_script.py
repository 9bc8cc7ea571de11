"""The board in a browser that runs no script."""

from playwright.sync_api import expect

from tests.support.board_browser import TOKEN
from tests.support.film import Film
from tests.support.watched_visits import Visit


def test_sign_in_and_retry_a_panel(visit: Visit, film: Film) -> None:
    panel = film.add_failed(6)
    page = visit(f"/?project={film.project}", signed_in=False, java_script_enabled=False)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in to the board").click()
    page.get_by_role("button", name="Retry Panel 6").click()
    expect(page.get_by_text("1 panel waits for another attempt.")).to_be_visible()
    film.wait_for(panel, "ready")

    page.get_by_role("link", name="Refresh").click()

    expect(page.locator("h1 .badge")).to_have_text("Ready")
    expect(page.get_by_role("img", name="The picture of Panel 6")).to_be_visible()
