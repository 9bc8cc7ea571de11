"""A page tells that panels have failed, and leads to the causes wherever they are."""

from urllib.parse import urlencode
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.queries.board.places import Place
from tests.support.board_browser import Browser, Document
from tests.support.open_board_page import OpenPage
from tests.support.producing import FAILED, enqueue, moment

LISTED = "The list below tells what to do."


@pytest.fixture
def failed(producer: psycopg.Connection) -> UUID:
    """A panel that has failed just now."""
    return enqueue(producer, project_id="tale", **{**FAILED, "errored_at": moment(producer)})


def overview_of(path: str, browser: Browser) -> Document:
    """As the open page gets it again."""
    return Document(OpenPage(browser, path).ask()["parts"]["overview"])


@pytest.mark.usefixtures("failed")
def test_the_first_page_has_the_list(browser: Browser) -> None:
    page = browser.see("/")
    assert page.all("section", id="causes")
    for shown in (page, overview_of("/", browser)):
        assert "Panels have failed in the last day, for 1 cause." in shown.text
        assert LISTED in shown.text
        assert shown.hrefs("/#causes") == []


def test_the_other_pages_lead_to_it(
    browser: Browser, producer: psycopg.Connection, failed: UUID
) -> None:
    older = urlencode({"older": str(Place(moment(producer, 60), failed))})
    for query in ("state=failed", "project=tale", older):
        path = f"/?{query}&lang=en"
        page = browser.see(path)
        assert not page.all("section", id="causes")
        for shown in (page, overview_of(path, browser)):
            assert "Panels have failed in the last day, for 1 cause." in shown.text
            assert LISTED not in shown.text
            assert shown.hrefs("/?lang=en#causes") == ["/?lang=en#causes"]
