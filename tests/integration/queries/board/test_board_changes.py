"""What an open page has to show anew."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.queries.board.changes import Changes, PanelChanges, Top
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.pages import PanelPages
from storyboard_worker.queries.board.places import Place
from storyboard_worker.storyboard import Status
from tests.support.producing import A_MOMENT, FAILED, READY, change, delete, enqueue

ALL = PanelFilter()


class Noting(Database):
    """Notes of how many statements each message consists."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.messages: list[int] = []

    def run_all(self, calls: Sequence[Call[Any]]) -> list[list[Any]]:
        self.messages.append(len(calls))
        return super().run_all(calls)


def test_only_what_changed_and_what_is_gone(
    changes: PanelChanges, pages: PanelPages, producer: psycopg.Connection
) -> None:
    same, other, deleted = (enqueue(producer, **FAILED) for _ in range(3))
    shown = {panel.id: panel.updated_at for panel in pages.first(ALL).panels}
    assert set(shown) == {same, other, deleted}
    assert changes.since(shown) == Changes([], [])
    change(producer, other, status="pending")
    delete(producer, deleted)
    found = changes.since(shown)
    assert [(panel.id, panel.state) for panel in found.panels] == [(other, Status.PENDING)]
    assert found.panels == [panel for panel in pages.first(ALL).panels if panel.id == other]
    assert found.gone == [deleted]


def test_an_empty_page_asks_nothing(changes: PanelChanges) -> None:
    assert changes.since({}) == Changes([], [])


def test_an_id_that_never_was_is_gone(changes: PanelChanges) -> None:
    id_ = uuid4()
    assert changes.since({id_: A_MOMENT}) == Changes([], [id_])


def test_whether_there_is_a_newer_panel(
    changes: PanelChanges, pages: PanelPages, producer: psycopg.Connection
) -> None:
    def has_newer(which: PanelFilter, newest: Place | None) -> bool:
        return changes.since({}, Top(which, newest)).has_newer

    ready = PanelFilter(state=Status.READY)
    assert not has_newer(ALL, None)
    enqueue(producer)
    assert has_newer(ALL, None)
    newest = pages.first(ALL).panels[0].place
    assert not has_newer(ALL, newest)
    enqueue(producer)
    assert has_newer(ALL, newest)
    assert not has_newer(ready, newest)
    enqueue(producer, **READY)
    assert has_newer(ready, newest)
    assert not has_newer(PanelFilter(project="none"), newest)
    assert not has_newer(PanelFilter(text="100%_'"), newest)


def test_both_questions_in_one_message(
    dsn: str, pages: PanelPages, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer)
    [panel] = pages.first(ALL).panels
    with closing(Noting(dsn)) as noting:
        PanelChanges(noting).since({id_: panel.updated_at}, Top(ALL, panel.place))
        assert noting.messages == [2]


def test_both_answers(
    changes: PanelChanges, pages: PanelPages, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer)
    [panel] = pages.first(ALL).panels
    assert changes.since({id_: panel.updated_at}, Top(ALL, panel.place)) == Changes([], [])
    assert changes.since({id_: A_MOMENT}, Top(ALL, None)) == Changes([panel], [], has_newer=True)
