"""The call of the Admin API that deletes assets by their public ids.

https://cloudinary.com/documentation/admin_api#delete_resources
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from storyboard_worker.demo.cloudinary_checks import Refused

MOST_IDS = 100
# The Admin API tells its limit with every answer.
LIMITS = {"X-FeatureRateLimit-Limit": "500", "X-FeatureRateLimit-Remaining": "499"}


@dataclass(frozen=True)
class AskedDeletion:
    """What a request asks for."""

    public_ids: list[str]
    invalidate: bool


def read_deletion(body: bytes | bytearray) -> AskedDeletion:
    """The body as the SDK sends it. Raises :class:`Refused`."""
    try:
        asked = json.loads(bytes(body))
    except ValueError as error:
        raise Refused(400, "Invalid JSON") from error
    public_ids = asked.get("public_ids") if isinstance(asked, dict) else None
    if not isinstance(public_ids, list) or not public_ids:
        raise Refused(400, "Missing required parameter - public_ids")
    if not all(isinstance(one, str) and one for one in public_ids):
        raise Refused(400, "Invalid value for parameter public_ids")
    if len(public_ids) > MOST_IDS:
        raise Refused(400, f"Too many public_ids: {len(public_ids)}. Maximum is {MOST_IDS}.")
    return AskedDeletion(public_ids, bool(asked.get("invalidate")))


def deletion_answer(answers: Mapping[str, str]) -> dict[str, object]:
    """The fields of the answer."""
    counts = {
        public_id: {"original": int(said == "deleted"), "derived": 0}
        for public_id, said in answers.items()
    }
    return {"deleted": dict(answers), "deleted_counts": counts, "partial": False}
