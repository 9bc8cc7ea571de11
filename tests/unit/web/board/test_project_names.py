"""A project whose name shows nothing is called by something that does."""

import pytest

from storyboard_worker.web.board.cards import project_name
from storyboard_worker.web.texts.catalogue import Language, texts_in

ENGLISH = texts_in(Language.ENGLISH)


@pytest.mark.parametrize(
    ("project", "called"),
    [
        ("tale", "tale"),
        (" a ", " a "),
        ("项目", "项目"),
        ("", "Project with an empty name"),
        (" ", "Project with a blank name (U+0020)"),
        ("\u3000\t", "Project with a blank name (U+3000 U+0009)"),
        ("\u200b\xa0", "Project with a blank name (U+200B U+00A0)"),
        (" " * 1024, f"Project with a blank name ({' '.join(['U+0020'] * 8)})"),
    ],
)
def test_names(project: str, called: str) -> None:
    assert project_name(ENGLISH, project) == called
