"""Every part of a filter that is given must fit."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.pages import PanelPages
from storyboard_worker.storyboard import Status
from tests.support.producing import FAILED, PENDING, PROCESSING, READY, WAITING, enqueue

STATES: dict[str, dict[str, Any]] = {
    "new": PENDING,
    "waiting": WAITING,
    "working": PROCESSING,
    "done": READY,
    "late": FAILED,
    "lost": {**FAILED, "error_code": "worker_lost", "error_message": "50%_of \\ it"},
}
PARTS = PanelFilter(
    state=Status.FAILED,
    error_code="source_timeout",
    host="a.example",
    project="p",
    text="no byte",
)


@pytest.fixture
def names(producer: psycopg.Connection) -> dict[Any, str]:
    """One row of each kind, in each of two projects, at each of two hosts."""
    return {
        enqueue(producer, f"https://{host}/x?secret-of-the-query", project_id=project, **columns): (
            f"{name} {project} {host}"
        )
        for name, columns in STATES.items()
        for project in ("p", None)
        for host in ("a.example", "B.example:8443")
    }


def fits(name: str, which: PanelFilter) -> bool:
    """What a filter means, in plain Python."""
    kind, project, host = name.split()
    state = Status(STATES[kind]["status"])
    code = STATES[kind].get("error_code")
    message = STATES[kind].get("error_message") or ""
    texts = (message, project if project != "None" else "", host.partition(":")[0].lower())
    return (
        which.state in (None, state)
        and which.error_code in (None, code)
        and (which.error_code is None or which.state is not None or state is Status.FAILED)
        and which.host in (None, host.partition(":")[0].lower())
        and which.project in (None, project)
        and (which.text is None or any(which.text.lower() in text for text in texts))
    )


def every_combination() -> list[PanelFilter]:
    parts = ("state", "error_code", "host", "project", "text")
    return [
        replace(PARTS, **dict.fromkeys(set(parts) - set(kept)))
        for count in range(len(parts) + 1)
        for kept in combinations(parts, count)
    ]


def test_all_combinations(pages: PanelPages, names: dict[Any, str]) -> None:
    for which in every_combination():
        found = {names[panel.id] for panel in pages.first(which).panels}
        assert found == {name for name in names.values() if fits(name, which)}, which
        assert found, which


@pytest.mark.parametrize(
    "which",
    [
        *(PanelFilter(state=state) for state in Status),
        *(PanelFilter(state=state, error_code="source_timeout") for state in Status),
        PanelFilter(error_code="worker_lost", host="b.example"),
        PanelFilter(error_code="no_such_code"),
        PanelFilter(host="b.example"),
        PanelFilter(host="example"),
        PanelFilter(project="none"),
        PanelFilter(text="A.EXAMPLE"),
        PanelFilter(text="50%_OF \\"),
        PanelFilter(text="5_%"),
        PanelFilter(text="secret"),
        PanelFilter(text="8443"),
        PanelFilter(text="a\x00"),
        PanelFilter(project="p\x00"),
        PanelFilter(text="'; DROP TABLE storyboards; --"),
    ],
)
def test_one_part(pages: PanelPages, names: dict[Any, str], which: PanelFilter) -> None:
    """Signs that mean something in a pattern stand for themselves. The query is not searched."""
    found = {names[panel.id] for panel in pages.first(which).panels}
    assert found == {name for name in names.values() if fits(name, which)}


def test_an_id_or_a_part_of_it(pages: PanelPages, names: dict[Any, str]) -> None:
    for id_ in list(names)[:4]:
        for text in (str(id_), str(id_).upper(), str(id_)[4:20]):
            assert [panel.id for panel in pages.first(PanelFilter(text=text)).panels] == [id_]
        assert pages.first(PanelFilter(text=str(id_), project="none")).panels == []


def test_a_whole_id_is_found_however_old_its_row_is(
    database: Database, producer: psycopg.Connection
) -> None:
    oldest = enqueue(producer)
    for _ in range(20):
        enqueue(producer)
    page = PanelPages(database, size=2, looked_at=5).first(PanelFilter(text=str(oldest)))
    assert ([panel.id for panel in page.panels], page.older) == ([oldest], None)


def test_a_failed_row_may_hold_a_code_and_a_host_of_any_length(
    pages: PanelPages, producer: psycopg.Connection
) -> None:
    """A restore may bring them along. An entry of an index is too small for them."""
    host, code = "h" * 5000, "c" * 5000
    failed = {**FAILED, "error_code": code}
    id_ = enqueue(producer, f"https://{host}/x", **failed)
    other = enqueue(producer, f"https://{host[:-1]}/x", **failed)
    for which in (PanelFilter(error_code=code, host=host), PanelFilter(host=host)):
        assert [panel.id for panel in pages.first(which).panels] == [id_]
    assert {panel.id for panel in pages.first(PanelFilter(error_code=code)).panels} == {id_, other}
    assert pages.first(PanelFilter(error_code=code[:-1])).panels == []
