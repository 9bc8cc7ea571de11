"""What an upload's context holds, and when the project is left out of it."""

from uuid import UUID

import pytest

from storyboard_worker.demo.cloudinary_context import read_context
from storyboard_worker.transfer.asset_context import MAX_CONTEXT_BYTES, asset_context

ID = UUID("0b6f7d5e-3c1a-4b8e-9f00-1234567890ab")
ROOM = MAX_CONTEXT_BYTES - len(f"storyboard_id={ID}|project_id=")


@pytest.mark.parametrize(
    "project",
    ["p-1", "a b", "a=b|c=d", "|", "=", "a&tags=other", "项目 7", "x\"'<>%{}", "é" * (ROOM // 2)],
)
def test_a_project_is_read_back_as_it_was(project: str) -> None:
    context = asset_context(ID, project)
    assert read_context(context) == {"storyboard_id": str(ID), "project_id": project}


@pytest.mark.parametrize(
    "project",
    [
        *(None, "", " ", " a", "a "),
        *("a\\", "a\\|b", "a\nb", "a\r\nb", "a\tb", "a\x7fb", "a\u2028b", "a\u200bb"),
        *("p" * (ROOM + 1), "=" * (ROOM // 2 + 1), "项" * 85, "p" * 1024),
    ],
)
def test_a_project_that_cloudinary_cannot_carry_is_left_out(project: str | None) -> None:
    assert asset_context(ID, project) == f"storyboard_id={ID}"


def test_the_longest_project_that_fits() -> None:
    assert len(asset_context(ID, "p" * ROOM)) == MAX_CONTEXT_BYTES
