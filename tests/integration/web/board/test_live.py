"""What an open page asks for again and again."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg

from tests.integration.web.served import Served
from tests.support.board_browser import Browser, Document
from tests.support.open_board_page import OpenPage
from tests.support.producing import FAILED, READY, change, delete, enqueue

ALWAYS = {"overview", "causes"}
CURRENT = {"aria-current": "true"}


def parts_of(found: dict[str, Any]) -> set[str]:
    return set(found["parts"])


def test_only_what_has_changed_is_sent(browser: Browser, producer: psycopg.Connection) -> None:
    ids = [enqueue(producer, position=number, **FAILED) for number in range(3)]
    page = OpenPage(browser, "/")
    assert parts_of(page.ask()) == ALWAYS
    change(producer, ids[1], status="pending")
    found = page.ask()
    assert parts_of(found) == {*ALWAYS, f"panel-{ids[1]}"}
    assert found["said"] == "Panel 1: Waiting."
    assert "Waiting" in Document(found["parts"][f"panel-{ids[1]}"]).text
    delete(producer, ids[2])
    found = page.ask()
    assert (parts_of(found), found["gone"]) == (ALWAYS, [f"panel-{ids[2]}"])
    assert found["said"] == "1 panel is gone."
    assert (page.ask()["gone"], page.ask()["said"]) == ([], "")


def test_many_changes_are_told_as_a_number(browser: Browser, producer: psycopg.Connection) -> None:
    ids = [enqueue(producer, **FAILED) for _ in range(5)]
    page = OpenPage(browser, "/?lang=zh")
    for id_ in ids:
        change(producer, id_, status="pending")
    assert page.ask()["said"] == "5 个分镜有变化。"


def test_newer_panels_are_announced_on_the_first_page_alone(
    browser: Browser, producer: psycopg.Connection
) -> None:
    enqueue(producer, project_id="tale", **FAILED)
    first, narrowed = OpenPage(browser, "/"), OpenPage(browser, "/?project=tale")
    empty = OpenPage(browser, "/?project=another")
    assert [page.ask()["newer"] for page in (first, narrowed, empty)] == [False] * 3
    enqueue(producer, project_id="another")
    assert [page.ask()["newer"] for page in (first, narrowed, empty)] == [True, False, True]


def test_what_pages_share_is_in_their_language_and_of_their_filter(
    browser: Browser, board: Served, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer, **FAILED)
    paths = ("/", "/?lang=en", "/?lang=zh", "/?state=failed", "/")
    pages = [OpenPage(Browser(board.port).sign_in(), path) for path in paths]
    change(producer, id_, error_code="source_forbidden")
    english, chosen, chinese, failed, again = (page.ask()["parts"] for page in pages)
    card = f"panel-{id_}"
    assert english == again
    assert Document(english[card]).hrefs() == [f"/panels/{id_}"]
    assert Document(chosen[card]).hrefs() == [f"/panels/{id_}?lang=en"]
    assert Document(chinese[card]).hrefs() == [f"/panels/{id_}?lang=zh"]
    assert "重试" in Document(chinese[card]).text
    assert [Document(part["overview"]).all("a", **CURRENT) for part in (english, failed)] == [
        [],
        [{"id": "count-failed", "href": "/?state=failed", **CURRENT}],
    ]


def test_parts_hold_nothing_of_a_session(browser: Browser, producer: psycopg.Connection) -> None:
    id_ = enqueue(producer, **FAILED)
    page = OpenPage(browser, "/")
    token = browser.see("/").form("/logout").fields["form_token"]
    change(producer, id_, error_code="source_forbidden")
    parts = page.ask()["parts"]
    assert f"/panels/{id_}/retry" in parts[f"panel-{id_}"]
    assert not [name for name, part in parts.items() if token in part or "form_token" in part]


def test_the_page_of_one_panel(browser: Browser, producer: psycopg.Connection) -> None:
    id_ = enqueue(producer, position=7, **FAILED)
    page = OpenPage(browser, f"/panels/{id_}")
    nothing = {"parts": {}, "gone": [], "said": ""}
    assert page.ask() == nothing
    change(producer, id_, status="pending")
    found = page.ask()
    assert parts_of(found) == {"life"}
    assert found["said"] == "Panel 7: Waiting."
    assert page.ask()["parts"] == {}
    delete(producer, id_)
    found = page.ask()
    assert found["said"] == "There is no such panel. It may have been deleted."
    assert found["said"] in Document(found["parts"]["life"]).text
    assert Document(found["parts"]["life"]).hrefs() == ["/"]


def test_questions_that_no_page_asks(browser: Browser, producer: psycopg.Connection) -> None:
    id_ = enqueue(producer, **READY)
    for shown in ("", "x", f"{id_}", f"{id_}~", f"{id_}~x", f"{id_}~{9**99}", f"{id_}~-1", "~,~,"):
        asked = {"shown": shown, "newest": "x", "state": "x"}
        assert browser.post("/live", asked).status == 200
    many = ",".join(f"{UUID(int=number)}~1" for number in range(300))
    assert len(browser.post("/live", {"shown": many}).json["gone"]) == 200
    assert browser.get("/live").status == 405
    other_site = browser.post("/live", {}, {"Sec-Fetch-Site": "cross-site"})
    assert other_site.status == 403
    no_form = browser.post("/live", {}, {"Content-Type": "text/plain"})
    assert no_form.status == 415


def test_an_address_that_fits_may_have_a_page_that_asks(
    browser: Browser, producer: psycopg.Connection
) -> None:
    """The filter of the page takes nearly as many bytes as an address may have."""
    project, code, text = "🎬" * 250, "🎞" * 500, "🎥" * 500
    failed = {**FAILED, "error_code": code, "error_message": text}
    for _ in range(48):
        enqueue(producer, project_id=project, **failed)
    query = urlencode({"project": project, "code": code, "text": text})
    page = OpenPage(browser, f"/?{query}")
    assert len(page.shown) == 48
    question = f"/live?{query}&shown={','.join(page.shown.values())}"
    assert browser.get(question).status == 431
    assert parts_of(page.ask()) == {"overview"}
