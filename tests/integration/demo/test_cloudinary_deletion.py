"""Cloudinary's own SDK deletes assets at the stand-in."""

from typing import Any

import cloudinary.api
import cloudinary.exceptions
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer
from tests.integration.demo.sdk import Sdk


def delete(sdk: Sdk, public_ids: list[str], **options: Any) -> dict[str, Any]:
    return dict(cloudinary.api.delete_resources(public_ids, **{**sdk.options, **options}))


def test_assets_are_deleted_by_their_ids(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    answer = sdk.upload(image, "storyboards/a")
    account.put(["b"], image)
    deleted = delete(sdk, ["storyboards/a", "b", "c"], invalidate=True)
    assert deleted["deleted"] == {"storyboards/a": "deleted", "b": "deleted", "c": "not_found"}
    assert deleted["partial"] is False
    assert account.asset("storyboards/a") is None
    [done] = account.deletions
    assert (dict(done.answers), done.invalidate) == (deleted["deleted"], True)
    assert sdk.upload(image, "storyboards/a")["asset_id"] != answer["asset_id"]


def test_a_hundred_at_most(sdk: Sdk) -> None:
    delete(sdk, [str(number) for number in range(100)])
    with pytest.raises(cloudinary.exceptions.BadRequest, match="Maximum is 100"):
        delete(sdk, [str(number) for number in range(101)])
    with pytest.raises(cloudinary.exceptions.BadRequest):
        delete(sdk, [])


def test_key_and_secret_are_checked(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    account.put(["a"], image)
    for wrong in ({"api_secret": "another"}, {"cloud_name": "another"}):
        with pytest.raises(cloudinary.exceptions.AuthorizationRequired):
            delete(sdk, ["a"], **wrong)
    assert account.asset("a") is not None
    assert account.deletions == []


def test_it_can_misbehave(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    account.put(["a"], image)
    account.misbehave_at_deletions(Answer(420, {"error": {"message": "Rate Limit Exceeded"}}))
    with pytest.raises(cloudinary.exceptions.RateLimited):
        delete(sdk, ["a"])
    assert delete(sdk, ["a"])["deleted"] == {"a": "deleted"}
