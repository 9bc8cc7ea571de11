"""Filters and pages of the gallery."""

import psycopg
from playwright.sync_api import Page, expect

from tests.support.film import Film
from tests.support.producing import ERROR
from tests.support.watched_visits import Visit

ON_A_PAGE = 48
FAILED_ROWS = """
INSERT INTO storyboards (source_url, project_id, position, status, attempts, error_code,
                         error_message, errored_at)
SELECT 'https://images.example/' || n, %(project)s, n, 'failed', 1, %(error_code)s,
       %(error_message)s, now()
FROM generate_series(1, %(count)s) AS n
"""


def shown(page: Page) -> set[str]:
    """The names of the panels on the page."""
    return set(page.locator(".card .which").all_text_contents())


def test_a_filter_narrows_the_panels_and_can_be_cleared(visit: Visit, film: Film) -> None:
    film.add_ready(1)
    film.add_failed(2)
    page = visit(f"/?project={film.project}")
    assert shown(page) == {"Panel 1", "Panel 2"}

    page.get_by_label("State", exact=True).select_option(label="Failed")
    page.get_by_role("button", name="Filter", exact=True).click()

    expect(page.locator(".card")).to_have_count(1)
    assert shown(page) == {"Panel 2"}
    expect(page.get_by_label("State", exact=True)).to_have_value("failed")
    expect(page.get_by_label("Project", exact=True)).to_have_value(film.project)

    page.get_by_label("Text in id, project, error or host").fill("no such text")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No panel fits.")).to_be_visible()

    page.get_by_role("link", name="Clear the filter").click()
    expect(page.get_by_label("Project", exact=True)).to_have_value("")
    expect(page.get_by_role("link", name=film.project)).to_be_visible()


def test_a_long_list_has_pages(visit: Visit, producer: psycopg.Connection, film: Film) -> None:
    given = {**ERROR, "project": film.project, "count": ON_A_PAGE + 2}
    producer.execute(FAILED_ROWS, given)
    page = visit(f"/?project={film.project}")
    first = shown(page)

    page.get_by_role("link", name="Older →").click()
    expect(page.locator(".card")).to_have_count(2)
    second = shown(page)

    assert (len(first), len(second)) == (ON_A_PAGE, 2)
    assert first | second == {f"Panel {number}" for number in range(1, ON_A_PAGE + 3)}
    expect(page.get_by_role("link", name="Older →")).to_have_count(0)
    page.get_by_role("link", name="← Newer").click()
    expect(page.locator(".card")).to_have_count(ON_A_PAGE)
    assert shown(page) == first
