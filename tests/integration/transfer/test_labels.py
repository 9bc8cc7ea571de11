"""Uploads carry a tag and a context, signed, by which an asset is found again."""

from uuid import UUID

import pytest

from storyboard_worker.demo.cloudinary_assets import Asset
from tests.support.stage import Stage

ID = UUID("0b6f7d5e-3c1a-4b8e-9f00-1234567890ab")


def copied(stage: Stage, body: bytes, project_id: str | None) -> Asset:
    stored = stage.copy(stage.serve(body), storyboard_id=ID, project_id=project_id)
    asset = stage.cloudinary.asset(stored.public_id)
    assert asset is not None
    return asset


@pytest.mark.parametrize("project_id", ["campaign-7", "a=b|c & tags=x", "项目"])
def test_tag_and_context_arrive(stage: Stage, small_image: bytes, project_id: str) -> None:
    asset = copied(stage, small_image, project_id)
    assert asset.tags == ("storyboard",)
    assert asset.context == {"storyboard_id": str(ID), "project_id": project_id}
    assert stage.cloudinary.refusals == []


@pytest.mark.parametrize("project_id", [None, "back\\slash", "p" * 1024])
def test_an_image_is_stored_where_its_project_cannot_be_carried(
    stage: Stage, small_image: bytes, project_id: str | None
) -> None:
    assert copied(stage, small_image, project_id).context == {"storyboard_id": str(ID)}
