"""The page's live rows, with the real realtime client before a stand-in for Supabase's server."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.support.node_calls import Node

LIVE = "scenarios/live.js"
Row = dict[str, Any]


def row(id_: str, *, second: int = 0, **columns: Any) -> Row:
    """A row of the view that changed at so many seconds after a moment."""
    shown: Row = {
        "id": id_,
        "project_id": "p q",
        "position": 1,
        "status": "pending",
        "updated_at": f"2026-01-02T03:04:{second:02}+00:00",
    }
    return {**shown, **columns}


FIRST = [row("a"), row("b", position=2)]


@pytest.fixture
def opened(process: Node) -> Callable[..., AbstractContextManager[Any]]:
    @contextmanager
    def opened(*, refused: bool = False) -> Iterator[Any]:
        try:
            yield process.call(LIVE, "open", FIRST, refused)
        finally:
            process.call(LIVE, "close")

    return opened


def test_it_joins_the_private_topic_and_then_reads_the_panels(
    opened: Callable[..., AbstractContextManager[Any]],
) -> None:
    with opened() as joined:
        assert joined == {
            "topic": "realtime:storyboards:p q",
            "private": True,
            "requests": ["/api/storyboards?project_id=p%20q"],
        }


def test_a_message_changes_its_panel(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    ready = row("a", second=5, status="ready")
    with opened():
        assert process.call(LIVE, "send", ready) == [ready, FIRST[1]]


def test_a_new_panel_takes_its_place(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    new = row("c", position=0)
    with opened():
        assert process.call(LIVE, "send", new) == [new, *FIRST]
        last = row("d", position=None)
        assert process.call(LIVE, "send", last) == [new, *FIRST, last]


def test_a_message_that_comes_late_changes_nothing(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    """Moments are compared as moments, because the zones of the sessions may differ."""
    ready = row("a", second=5, status="ready")
    earlier = {**row("a", status="processing"), "updated_at": "2026-01-02T05:04:04+02:00"}
    with opened():
        process.call(LIVE, "send", ready)
        assert process.call(LIVE, "send", earlier) == [ready, FIRST[1]]


def test_what_the_route_answers_counts_whatever_its_moment(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    """A row that was restored may have an earlier moment."""
    restored = row("a", second=3, status="failed")
    with opened():
        process.call(LIVE, "send", row("a", second=5, status="ready"))
        process.call(LIVE, "store", [restored, FIRST[1]], 200)
        assert process.call(LIVE, "pass", 61_000)["shown"] == [restored, FIRST[1]]


def test_a_message_that_overtakes_the_answer_of_the_route_counts(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    ready = row("a", second=5, status="ready")
    with opened():
        process.call(LIVE, "store", FIRST, 200)
        process.call(LIVE, "overtake", ready)
        assert process.call(LIVE, "pass", 61_000)["shown"] == [ready, FIRST[1]]


def test_an_open_channel_needs_no_polls_but_one_a_minute(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    with opened():
        process.call(LIVE, "store", FIRST[:1], 200)
        assert process.call(LIVE, "pass", 59_000) == {"shown": FIRST, "requests": 0}
        assert process.call(LIVE, "pass", 2_000) == {"shown": FIRST[:1], "requests": 1}, (
            "a deleted row sends no message"
        )


def test_without_the_channel_it_polls(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    ready = row("a", second=5, status="ready")
    with opened(refused=True):
        process.call(LIVE, "store", [ready, FIRST[1]], 200)
        assert process.call(LIVE, "pass", 5_000) == {"shown": [ready, FIRST[1]], "requests": 1}
        process.call(LIVE, "store", [ready], 200)
        assert process.call(LIVE, "pass", 5_000) == {"shown": [ready], "requests": 1}


def test_what_it_shows_stays_when_the_route_fails(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    with opened():
        process.call(LIVE, "store", [], 500)
        assert process.call(LIVE, "pass", 61_000) == {"shown": FIRST, "requests": 1}


def test_a_page_that_is_opened_again_at_once_is_live_again(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    ready = row("a", second=5, status="ready")
    with opened():
        assert process.call(LIVE, "reopen", FIRST) == 1
        assert process.call(LIVE, "send", ready) == [ready, FIRST[1]]


def test_closing_ends_the_polls(
    process: Node, opened: Callable[..., AbstractContextManager[Any]]
) -> None:
    with opened():
        assert process.call(LIVE, "close") == 0
