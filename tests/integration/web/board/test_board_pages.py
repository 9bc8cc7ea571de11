"""The first page and the page of one panel."""

import psycopg

from tests.support.board_browser import Browser
from tests.support.producing import FAILED, READY, enqueue


def test_the_pages_show_what_there_is(browser: Browser, producer: psycopg.Connection) -> None:
    id_ = enqueue(producer, project_id="tale", position=3, **FAILED)
    enqueue(producer, project_id="tale", position=4, **READY)
    page = browser.see("/")
    print(page.text)
    one = browser.see(f"/panels/{id_}")
    print(one.text)
    print(browser.get("/live?shown=").text)
