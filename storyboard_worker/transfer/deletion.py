"""Deletes stored pictures with Cloudinary's Admin API, with their copies on the CDN.

The request is that of ``cloudinary.api.delete_resources``. It goes over the project's own HTTP
client, because the SDK's call has no deadline and loses ``Retry-After``. Protocol:
https://cloudinary.com/documentation/admin_api#delete_resources
"""

import base64
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import cloudinary
import cloudinary.utils
import httpx

from storyboard_worker import __version__
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.transfer.retry_after import rate_limit_reset_seconds
from storyboard_worker.transfer.storage_answers import read_answer
from storyboard_worker.transfer.storage_exchange import exchanged
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.request import Request, Target, field_lines, head_of
from storyboard_worker.wire.transport import Transport

# «Up to 100 public IDs» a call.
MOST_IDS = 100


class Fate(StrEnum):
    """What Cloudinary says of a picture that it was asked to delete."""

    DELETED = "deleted"
    NOT_FOUND = "not_found"


class Deletion:
    """Deletes pictures of one Cloudinary account."""

    def __init__(self, transport: Transport, settings: CloudinarySettings) -> None:
        self._transport = transport
        self._redactor = Redactor([settings.api_key, settings.api_secret])
        url = cloudinary.utils.base_api_url(
            ["resources", "image", "upload"],
            cloud_name=settings.cloud_name,
            upload_prefix=settings.upload_prefix,
        )
        self._target = Target.of(httpx.URL(url))
        pair = f"{settings.api_key}:{settings.api_secret}".encode()
        self._fields = field_lines(
            (b"Authorization", b"Basic " + base64.b64encode(pair)),
            (b"Content-Type", b"application/json"),
            # The answer is not unpacked.
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", f"storyboard-worker/{__version__} {cloudinary.USER_AGENT}".encode()),
        )

    def delete(self, public_ids: Sequence[str], deadline: Deadline) -> dict[str, Fate]:
        """Delete up to :data:`MOST_IDS` pictures; what became of each. One that is missing in the
        answer may still be there.

        Raises :class:`AttemptError` with a ``storage_…`` code, or ``attempt_timeout``. Some may
        be deleted then; to ask again does no harm. Cloudinary is asked on only while its answers
        tell of something that is deleted.
        """
        fates: dict[str, Fate] = {}
        asked: dict[str, Any] = {"public_ids": list(public_ids), "invalidate": True}
        while True:
            answer = self._ask(asked, deadline)
            told = {one: fate for one, fate in _fates(answer).items() if one in public_ids}
            has_news = not told.keys() <= fates.keys()
            fates = told | fates
            # With many transformed copies one call does a part of the work.
            cursor = answer.get("next_cursor")
            if not answer.get("partial") or not isinstance(cursor, str):
                return fates
            if not has_news and (cursor == asked.get("next_cursor") or not _copies(answer)):
                return _all_told(fates, public_ids)
            asked["next_cursor"] = cursor

    def _ask(self, asked: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        content = json.dumps(asked).encode()
        fields = self._fields + b"Content-Length: %d\r\n" % len(content)
        head = head_of("DELETE", self._target, fields)
        request = Request("DELETE", self._target.origin, head, len(content), [content])
        answer = exchanged(self._transport, request, deadline)
        try:
            said = read_answer(answer, self._redactor)
        except AttemptError as error:
            if error.retry_after_seconds is None:
                error.retry_after_seconds = rate_limit_reset_seconds(answer.head)
            raise
        if not isinstance(said.get("deleted"), dict):
            raise AttemptError(
                ErrorCode.STORAGE_UNAVAILABLE,
                "Cloudinary's answer does not say what is deleted",
                upstream=STORAGE_UPSTREAM,
                http_status=answer.status,
                request_id=answer.request_id,
            )
        return said

    def close(self) -> None:
        self._transport.close()


def _copies(answer: dict[str, Any]) -> int:
    """How many transformed copies this call deleted."""
    counts = answer.get("deleted_counts")
    each = counts.values() if isinstance(counts, dict) else ()
    found = [count.get("derived") for count in each if isinstance(count, dict)]
    return sum(count for count in found if isinstance(count, int))


def _all_told(fates: dict[str, Fate], public_ids: Sequence[str]) -> dict[str, Fate]:
    """The fates, if no picture lacks one. To ask on is of no use."""
    if fates.keys() >= set(public_ids):
        return fates
    raise AttemptError(
        ErrorCode.STORAGE_UNAVAILABLE,
        "Cloudinary says that a part is left to delete, and deletes nothing more",
        upstream=STORAGE_UPSTREAM,
    )


def _fates(answer: dict[str, Any]) -> dict[str, Fate]:
    known = {str(fate): fate for fate in Fate}
    return {
        public_id: known[said]
        for public_id, said in answer["deleted"].items()
        if isinstance(said, str) and said in known
    }
