"""What pages share is filled once."""

from datetime import UTC, datetime

import pytest

from storyboard_worker.queries.board.causes import FailedCauses
from storyboard_worker.web.board import fragments as module
from storyboard_worker.web.board.fragments import Fragments
from storyboard_worker.web.board.wording import Wording
from storyboard_worker.web.texts.catalogue import Language, texts_in

ENGLISH, CHINESE = (Wording(texts_in(language), is_chosen=False) for language in Language)
SHARED = {"causes": FailedCauses([], are_all=True)}
NAME = "_causes.html"
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def new_fragments() -> Fragments:
    return Fragments(SHARED, lambda: NOW)


def test_equal_values_in_one_language_are_filled_once() -> None:
    fragments = new_fragments()
    first = fragments.fill(NAME, ENGLISH, number=1)
    assert fragments.fill(NAME, ENGLISH, number=1) is first
    assert fragments.fill(NAME, ENGLISH, number=2) is not first
    assert fragments.fill(NAME, Wording(ENGLISH.text, is_chosen=True), number=1) is not first
    assert fragments.fill(NAME, CHINESE, number=1) != first


def test_they_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    fragments = new_fragments()
    for number in range(4):
        fragments.fill(NAME, ENGLISH, number=number)
    assert len(fragments._filled) == 1
