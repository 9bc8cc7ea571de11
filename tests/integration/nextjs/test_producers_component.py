"""The component of the page for producers, with the real client before a stand-in for its server.

Its hooks are a stand-in for React's, see ``stand_ins/scenarios/component.ts``.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.node_calls import Node

COMPONENT = "scenarios/component.js"
FIRST = [{"id": id_, "position": n, "message": f"{id_} waits"} for n, id_ in enumerate("ab")]
TOPIC = "storyboards:p"


@pytest.fixture
def shown(process: Node) -> Iterator[Any]:
    """What an open page shows."""
    yield process.call(COMPONENT, "open", "p", FIRST)
    process.call(COMPONENT, "close")


def test_a_message_changes_its_panel(process: Node, shown: str) -> None:
    assert shown.index("a waits") < shown.index("b waits")
    ready = {**FIRST[0], "message": "a is ready", "picture_url": "https://cdn.example/a.jpg"}
    now = process.call(COMPONENT, "send", TOPIC, ready)
    assert now.index("a is ready") < now.index("b waits")
    assert 'src="https://cdn.example/a.jpg"' in now
    assert "a waits" not in now


def test_a_panel_that_has_left_the_project_goes_within_a_minute(process: Node, shown: str) -> None:
    assert "b waits" in shown
    now = process.call(COMPONENT, "pass", FIRST[:1])
    assert ("a waits" in now, "b waits" in now) == (True, False)


def test_a_component_that_is_gone_listens_no_more(process: Node, shown: str) -> None:
    assert shown
    assert process.call(COMPONENT, "close") == 0


def test_one_that_is_opened_again_at_once_is_live_again(process: Node, shown: str) -> None:
    process.call(COMPONENT, "reopen", "p")
    ready = {**FIRST[0], "message": "a is ready"}
    assert "a is ready" in process.call(COMPONENT, "send", TOPIC, ready) != shown


def test_one_that_is_gone_before_it_listens_never_joins(process: Node) -> None:
    """React's strict mode mounts each component twice."""
    left = process.call(COMPONENT, "openAndClose", "q")
    assert left == {"sent": [], "channels": 0}
