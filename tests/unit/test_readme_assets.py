"""What the README states of the assets at Cloudinary, against the code."""

import re
from uuid import uuid4

from storyboard_worker.transfer.asset_context import asset_context
from tests.support.pages import README


def test_the_longest_project_that_an_asset_carries_is_told() -> None:
    [most] = map(int, re.findall(r"of more than (\d+) bytes, of which each `\|` and `=`", README))
    for project in ("p" * most, "|" * (most // 2), "=" * (most // 2) + "p"):
        assert is_carried(project)
        assert not is_carried(f"{project}pp")


def test_which_projects_an_asset_does_not_carry_is_told() -> None:
    assert "not printable, like a line break, a zero-width space or any other space" in README
    assert is_carried("a b|c=d 项目")
    for project in ("a\\b", " a", "a ", "a\nb", "a\u200bb", "a\u3000b", "a\xa0b"):
        assert not is_carried(project)


def is_carried(project: str) -> bool:
    return "project_id" in asset_context(uuid4(), project)
