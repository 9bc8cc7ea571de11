"""The board without a mouse: Tab and Enter alone."""

from playwright.sync_api import Page, expect

from tests.support.board_browser import TOKEN
from tests.support.film import Film
from tests.support.watched_visits import Visit, come_back_to

MOST_TABS = 40
# What stands on the screen for the element that has the focus. A link that fills its tile has its
# outline around the tile.
FOCUS = """
() => {
  const focused = document.activeElement;
  const styles = [getComputedStyle(focused), getComputedStyle(focused, "::after")];
  const style = styles.find((one) => one.outlineStyle !== "none") || styles[0];
  return { id: focused.id, outline: style.outlineStyle, width: style.outlineWidth };
}
"""


def tab_to(page: Page, element_id: str) -> None:
    """Press Tab until the element has the focus, which has to be seen at each step."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["outline"] == "solid", focus
        assert float(focus["width"].removesuffix("px")) >= 2, focus
        if focus["id"] == element_id:
            return
    raise AssertionError(f"{MOST_TABS} times Tab do not lead to {element_id}")


def test_sign_in_open_a_panel_and_retry_it(visit: Visit, film: Film) -> None:
    panel = film.add_failed(4)
    page = visit(f"/?project={film.project}", signed_in=False)
    # The field has the focus from the start.
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator(f"#panel-{panel}")).to_be_visible()

    tab_to(page, f"open-{panel}")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Panel 4")

    tab_to(page, "retry")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 panel waits for another attempt.")).to_be_visible()
    film.wait_for(panel, "ready")


def test_the_first_tab_offers_to_skip_the_menu(visit: Visit, film: Film) -> None:
    page = visit(f"/?project={film.project}")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()

    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_the_focus_stays_where_it_is_when_a_card_is_replaced(visit: Visit, film: Film) -> None:
    panel = film.add_waiting(5)
    page = visit(f"/?project={film.project}")
    page.locator(f"#open-{panel}").focus()

    film.let_go(panel)
    film.wait_for(panel, "ready")
    come_back_to(page)

    expect(page.locator(f"#panel-{panel} .badge")).to_have_text("Ready")
    expect(page.locator(f"#open-{panel}")).to_be_focused()
