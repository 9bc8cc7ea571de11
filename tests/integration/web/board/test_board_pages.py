"""What the pages show, and where their links lead."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from storyboard_worker.settings.sentry import SentrySettings
from tests.integration.web.served import Serve
from tests.support.board_browser import TOKEN, Browser, Document
from tests.support.producing import (
    CLAIM,
    FAILED,
    PENDING,
    PROCESSING,
    READY,
    enqueue,
    moment,
)

STATES = {"pending": PENDING, "processing": PROCESSING, "ready": READY, "failed": FAILED}


def panels_on(page: Document) -> list[UUID]:
    return [UUID(card["id"].removeprefix("panel-")) for card in page.all("li") if "id" in card]


def test_panels_of_every_state_stand_under_their_projects(
    browser: Browser, producer: psycopg.Connection, alive: Callable[..., None]
) -> None:
    alive()
    ids = {
        state: enqueue(producer, project_id="tale", position=9 - number, **columns)
        for number, (state, columns) in enumerate(STATES.items())
    }
    lone = enqueue(producer)
    page = browser.see("/")
    # Within a project by position; the project of the newest panel first.
    assert panels_on(page) == [lone, *reversed(ids.values())]
    assert "Without a project" in page.text
    for word in ("Waiting", "In progress", "Ready", "Failed", "tale", "Panel 9", "All is well."):
        assert word in page.text
    [picture] = page.all("img")
    assert picture["src"] == READY["cdn_url"]
    assert picture["alt"] == ""
    assert "Storyboard is being processed" in browser.see(f"/panels/{lone}").text


def test_the_page_says_what_is_wrong(browser: Browser, producer: psycopg.Connection) -> None:
    assert "No worker is alive. Start one" in browser.see("/").text
    assert "There are no panels yet." in browser.see("/").text


def test_what_waits_without_a_worker(browser: Browser, producer: psycopg.Connection) -> None:
    enqueue(producer, source_expires_at=moment(producer, 3600))
    page = browser.see("/")
    assert "No worker is alive, and 1 panel waits." in page.text
    assert "The link of 1 panel expires within two hours." in page.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=failed", {"tale", "gone", "other"}),
        ("state=failed&code=source_timeout", {"tale", "other"}),
        ("state=failed&code=source_timeout&host=b.example", {"other"}),
        ("project=tale", {"tale", "gone", "ready"}),
        ("project=tale&state=ready", {"ready"}),
        ("text=B.EXAMPLE", {"other"}),
        ("text=no byte within", {"tale", "gone", "other", "waiting"}),
        ("text=nothing like it", set()),
        ("project=no%00such", set()),
    ],
)
def test_filters(browser: Browser, mixed: dict[str, UUID], query: str, names: set[str]) -> None:
    page = browser.see("/?" + query.replace(" ", "+"))
    assert set(panels_on(page)) == {mixed[name] for name in names}
    assert names or "No panel fits." in page.text


def test_the_filters_form_keeps_what_was_asked(browser: Browser, mixed: dict[str, UUID]) -> None:
    page = browser.see("/?state=failed&code=source_timeout&host=b.example&project=other&text=b")
    chosen = {option["value"] for option in page.all("option") if "selected" in option}
    assert chosen == {"failed", "source_timeout"}
    fields = page.form("/").fields
    assert fields == {"project": "other", "text": "b", "host": "b.example"}


def test_causes_lead_to_their_panels_and_to_a_retry(
    browser: Browser, mixed: dict[str, UUID]
) -> None:
    page = browser.see("/")
    assert "The source does not answer in time" in page.text
    assert "raise READ_TIMEOUT_SECONDS" in page.text, "the next step"
    [retry] = [href for href in page.hrefs("/retry") if "host=b.example" in href]
    [listed] = [href for href in page.hrefs("/?") if "host=b.example" in href]
    assert panels_on(browser.see(listed)) == [mixed["other"]]
    confirmation = browser.see(retry)
    assert "This puts 1 failed panel back into the queue." in confirmation.text
    assert "host=b.example" in confirmation.form("/retry").action


def walked(browser: Browser, path: str, way: str) -> Iterator[list[UUID]]:
    while True:
        page = browser.see(path)
        yield panels_on(page)
        links = page.all("a", rel=way)
        if not links:
            return
        path = links[0]["href"]


def test_pages_lead_on_and_back(browser: Browser, producer: psycopg.Connection) -> None:
    with producer.transaction():
        ids = [
            enqueue(producer, project_id="tale", created_at=moment(producer, -number))
            for number in range(100)
        ]
    pages = list(walked(browser, "/?project=tale", "next"))
    assert [len(page) for page in pages] == [48, 48, 4]
    assert [id_ for page in pages for id_ in page] == ids
    last = browser.see("/?project=tale")
    for _ in range(2):
        last = browser.see(last.all("a", rel="next")[0]["href"])
    back = list(walked(browser, last.all("a", rel="prev")[0]["href"], "prev"))
    assert back == [pages[1], pages[0]]


def test_one_panel(browser: Browser, producer: psycopg.Connection) -> None:
    url = "https://images.example/a/b.jpeg?X-Tos-Date=20250910T015921Z&X-Tos-Signature=abc123"
    id_ = enqueue(producer, url, project_id="tale", position=3, **FAILED)
    reply = browser.get(f"/panels/{id_}")
    page = Document(reply.text)
    for told in ("Panel 3", "tale", "https://images.example/a/b.jpeg", "Failed"):
        assert told in page.text
    for told in ("source_timeout", "no byte within 30 s", str(id_), FAILED["sentry_event_id"]):
        assert told in page.text
    assert "abc123" not in reply.text
    assert "X-Tos" not in reply.text
    assert [form.action for form in page.forms] == [
        "/logout",
        f"/panels/{id_}/retry",
        f"/panels/{id_}/process",
    ]


def test_a_panel_in_work_and_a_ready_one(browser: Browser, producer: psycopg.Connection) -> None:
    claim = {**CLAIM, "claimed_at": moment(producer), "lease_expires_at": moment(producer, 60)}
    held = enqueue(producer, **{**PROCESSING, **claim})
    page = browser.see(f"/panels/{held}")
    assert "by worker-1" in page.text
    ready = enqueue(producer, **READY)
    page = browser.see(f"/panels/{ready}")
    assert page.all("img")[0]["src"] == READY["cdn_url"]
    assert "576 · jpg · 123 KB" in page.text
    for id_ in (held, ready):
        assert [form.action for form in browser.see(f"/panels/{id_}").forms] == ["/logout"]


def test_a_restored_panel_of_which_little_is_known(
    browser: Browser, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer, **{**READY, "bytes": None, "format": None})
    page = browser.see(f"/panels/{id_}")
    assert "576" in page.text
    assert "None" not in page.text


def test_the_link_to_sentry(serve: Serve, producer: psycopg.Connection) -> None:
    sentry = SentrySettings(url="https://sentry.example/issues/?project=1")
    browser = Browser(serve(board_token=TOKEN, sentry=sentry).port).sign_in()
    page = browser.see(f"/panels/{enqueue(producer, **FAILED)}")
    event = FAILED["sentry_event_id"]
    assert page.hrefs("https://") == [f"https://sentry.example/issues/?project=1&query={event}"]


def test_an_unknown_panel(browser: Browser) -> None:
    reply = browser.get(f"/panels/{uuid4()}")
    assert reply.status == 404
    assert "There is no such panel." in Document(reply.text).text


def test_seen_by_a_worker_lately(
    browser: Browser, alive: Callable[..., None], producer: psycopg.Connection
) -> None:
    alive(timedelta(seconds=5), '{"images.example": "2030-01-01T00:00:00+00:00"}')
    page = browser.see("/")
    assert re.search("Paused, asked again in [0-9]+ days: images.example", page.text)
    assert "worker-1" in page.text
    assert "host-1" in page.text
