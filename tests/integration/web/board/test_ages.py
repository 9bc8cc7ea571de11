"""Ages on a page, while the numbers on top are some seconds old."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from storyboard_worker.queries.board.summary import BoardSummary, Summary
from tests.support.board_browser import Browser, Document
from tests.support.producing import FAILED, enqueue, moment

# Less than the reads of the whole are kept for.
READ_BEFORE_SECONDS = 15
NEAR = timedelta(seconds=5)


@pytest.fixture
def read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole has been read some seconds ago."""
    read = BoardSummary.read

    def read_then(summary: BoardSummary) -> Summary:
        found = read(summary)
        then = found.moment - timedelta(seconds=READ_BEFORE_SECONDS)
        return replace(found, moment=then, read_at=found.read_at - READ_BEFORE_SECONDS)

    monkeypatch.setattr(BoardSummary, "read", read_then)


def age_in(html: str) -> str:
    found = re.search(r'class="quiet when">(.*?)</span>', html)
    assert found
    return Document(found[1]).text


def test_what_has_just_changed_does_not_lie_ahead(
    read_before: None, browser: Browser, producer: psycopg.Connection
) -> None:
    waits_until = moment(producer, 60.9)
    id_ = enqueue(producer, available_at=waits_until)
    page = browser.get("/").text
    live = browser.post("/live", {"shown": f"{id_}~1"}).json
    card = live["parts"][f"panel-{id_}"]
    assert re.fullmatch(r"now|[1-5] s ago", age_in(page))
    assert re.fullmatch(r"now|[1-5] s ago", age_in(card))
    assert re.search(r"Due in (60|5\d) s", Document(card).text)
    [body] = Document(page).all("body")
    for told in (body["data-moment"], live["now"]):
        assert abs(datetime.now(UTC) - datetime.fromisoformat(told)) < NEAR


def test_only_what_may_lie_ahead_is_marked_so(
    browser: Browser, producer: psycopg.Connection
) -> None:
    enqueue(producer, **FAILED)
    id_ = enqueue(producer, available_at=moment(producer, 60))
    times = Document(browser.get("/").text).all("time")
    assert [time["datetime"] for time in times if "data-ahead" in time] == [
        time["datetime"] for time in times if datetime.fromisoformat(time["datetime"]) > soon()
    ]
    life = Document(browser.get(f"/panels/{id_}").text).all("time")
    assert all("data-ahead" in time for time in life)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=30)
