"""What an open page shows of panels that vanish."""

from playwright.sync_api import expect

from tests.support.film import Film
from tests.support.watched_visits import Visit, come_back_to

NO_PANEL = "There is no such panel. It may have been deleted."


def test_the_page_of_a_panel_tells_that_it_is_gone(visit: Visit, film: Film) -> None:
    panel = film.add_waiting(1)
    page = visit(f"/panels/{panel}")
    page.get_by_role("button", name="Process now").focus()

    film.delete(panel)
    come_back_to(page)

    expect(page.get_by_role("main").get_by_text(NO_PANEL)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.locator("#said")).to_have_text(NO_PANEL)
    expect(page.get_by_role("link", name="Back to the board")).to_be_focused()


def test_a_project_goes_with_its_last_panel(visit: Visit, film: Film) -> None:
    first, second = film.add_waiting(1), film.add_waiting(2)
    page = visit(f"/?project={film.project}")
    project, said = page.locator(".project"), page.locator("#said")
    expect(project.locator(".count")).to_have_text("2 panels")
    page.locator(f"#open-{first}").focus()

    film.delete(first)
    come_back_to(page)

    expect(project.locator(".count")).to_have_text("1 panel")
    expect(said).to_have_text("1 panel is gone.")
    expect(page.locator(f"#open-{second}")).to_be_focused()

    film.delete(second)
    come_back_to(page)

    expect(project).to_have_count(0)
    expect(page.get_by_text("The panels of this page are gone.")).to_be_visible()
    expect(page.locator("#main")).to_be_focused()
