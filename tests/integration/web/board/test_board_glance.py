"""What a person sees of the board at the first glance."""

from datetime import timedelta
from uuid import UUID

import psycopg

from storyboard_worker.web.board.rendering import FIRST_CAUSES
from tests.support.board_browser import Browser, Document
from tests.support.producing import FAILED, READY, enqueue, moment

CODES = (
    "source_timeout",
    "source_forbidden",
    "image_invalid",
    "worker_lost",
    "unexpected",
    "image_too_large",
)


def card_of(page: str, id_: UUID) -> str:
    """The text of one panel's card."""
    html = page.partition(f'id="panel-{id_}"')[2].partition("</li>")[0]
    return Document(f"<li {html}").text


def test_each_count_leads_to_its_panels(browser: Browser, producer: psycopg.Connection) -> None:
    failed = enqueue(producer, **FAILED)
    enqueue(producer, **READY)
    [count] = browser.see("/").all("a", id="count-failed")

    page = browser.see(count["href"])

    assert [card["id"] for card in page.all("li") if "id" in card] == [f"panel-{failed}"]
    current = [link["id"] for link in page.all("a") if "aria-current" in link]
    assert current == ["count-failed"]


def test_many_causes_are_folded_away(browser: Browser, producer: psycopg.Connection) -> None:
    for code in CODES:
        enqueue(producer, **{**FAILED, "error_code": code})
    page = browser.get("/").text

    first, folded, rest = page.partition('id="other-causes"')
    assert "1 more cause" in Document(f"<details {folded}{rest}").text
    assert (first.count('id="cause-'), rest.count('id="cause-')) == (FIRST_CAUSES, 1)


def test_a_failed_card_names_its_cause_once(browser: Browser, producer: psycopg.Connection) -> None:
    new = enqueue(producer, **FAILED)
    shown = enqueue(producer, **{**FAILED, "picture_url": READY["cdn_url"]})
    page = browser.get("/").text

    cause = "The source does not answer in time"
    assert [card_of(page, id_).count(cause) for id_ in (new, shown)] == [1, 1]
    assert "An earlier picture is shown." in card_of(page, shown)


def test_a_waiting_card_tells_when_it_is_due(
    browser: Browser, producer: psycopg.Connection
) -> None:
    due = enqueue(producer)
    later = enqueue(producer, available_at=moment(producer) + timedelta(minutes=30))
    page = browser.get("/").text

    assert "Due" not in card_of(page, due)
    assert "Due in 30 min" in card_of(page, later) or "Due in 29 min" in card_of(page, later)
