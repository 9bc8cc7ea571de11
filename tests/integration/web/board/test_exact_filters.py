"""A project's links lead to it alone, and a retry is never wider than asked for."""

from urllib.parse import urlencode
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.queries.board.places import Place
from tests.support.board_browser import Browser, Document
from tests.support.producing import FAILED, enqueue, moment, storyboard

NAMES = [
    *("plain", " lead", "trail ", "\u3000", "\t", "a\nb", "a\r\nb", "\u200b", "%FF", "\ufffd"),
    *("x" * 600, "图" * 341, "a%b_c\\d", "q+&=#?/"),
]


def panels_on(page: Document) -> list[UUID]:
    return [UUID(card["id"].removeprefix("panel-")) for card in page.all("li") if "id" in card]


@pytest.fixture
def ids(producer: psycopg.Connection) -> dict[str, UUID]:
    """A failed panel of each project, and one of the project without a name."""
    return {name: enqueue(producer, project_id=name, **FAILED) for name in [*NAMES, ""]}


def status(producer: psycopg.Connection, id_: UUID) -> str:
    return str(storyboard(producer, id_)["status"])


def test_each_projects_heading_leads_to_its_panels_alone(
    browser: Browser, ids: dict[str, UUID]
) -> None:
    page = browser.see("/")
    links = page.hrefs("/?project=")
    assert len(links) == len(NAMES)
    assert [panels_on(browser.see(link)) for link in reversed(links)] == [
        [ids[name]] for name in NAMES
    ]
    for name in ("Project with an empty name", "Project with a blank name (U+3000)"):
        assert name in page.text


def test_retry_all_of_a_project_reaches_it_alone(
    browser: Browser, producer: psycopg.Connection, ids: dict[str, UUID]
) -> None:
    for name in NAMES:
        page = browser.see("/?" + urlencode({"state": "failed", "project": name}))
        [link] = page.hrefs("/retry")
        confirmation = browser.see(link)
        assert "This puts 1 failed panel back into the queue." in confirmation.text
        browser.submit(confirmation.form("/retry"))
        assert status(producer, ids.pop(name)) == "pending", name
        assert {status(producer, id_) for id_ in ids.values()} == {"failed"}, name


def test_a_filter_that_cannot_be_taken_as_it_is_changes_nothing(
    browser: Browser, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer, project_id="tale", **FAILED)
    form = browser.see("/retry?state=failed&project=tale").form("/retry")
    token = {"form_token": form.fields["form_token"]}
    for query in ("state=failed&project=", "state=ready", "projekt=tale", "project=%FF", "text=+"):
        for reply in (browser.get(f"/retry?{query}"), browser.post(f"/retry?{query}", token)):
            assert reply.status == 400, query
            assert "nothing was changed" in Document(reply.text).text
    place = str(Place(moment(producer), id_))
    for fields in (
        *({"project": "tale"}, {"state": "failed"}, {"since": "x"}, {"since": ""}),
        *({"done": "x"}, {"done": "-1"}, {"since": place.replace("+00:00", "")}),
    ):
        reply = browser.post(form.action, {**token, **fields})
        assert reply.status == 400, fields
        assert "The form is out of date." in Document(reply.text).text
    assert status(producer, id_) == "failed"
    assert browser.post(form.action, {**token, "since": place, "done": "1"}).status == 303
    assert status(producer, id_) == "pending"


def test_a_cause_without_a_host_leads_to_no_others(
    browser: Browser, producer: psycopg.Connection
) -> None:
    enqueue(producer, "https://user@/x", **FAILED)
    page = browser.see("/")
    assert page.hrefs("/retry") == page.hrefs("/?state=failed&code=") == []
