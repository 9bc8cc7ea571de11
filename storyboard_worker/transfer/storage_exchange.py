"""One request to Cloudinary and its whole answer; what goes wrong between is an error of ours."""

from dataclasses import dataclass

import httpx

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.wire.answer import AnswerHead
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.reply import Reply
from storyboard_worker.wire.request import Request
from storyboard_worker.wire.transport import Transport

MAX_ANSWER_BYTES = 1_000_000


@dataclass(slots=True)
class StorageAnswer:
    """What Cloudinary answers: a head, and a body up to :data:`MAX_ANSWER_BYTES` and a chunk."""

    head: AnswerHead
    content: bytes

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def request_id(self) -> str | None:
        """By which Cloudinary's support finds the request."""
        return self.head.text(b"x-request-id") or None


def exchanged(transport: Transport, request: Request, deadline: Deadline) -> StorageAnswer:
    """The answer to ``request``.

    Raises :class:`AttemptError`: ``storage_unavailable`` where none comes, ``attempt_timeout``
    where ``deadline`` has passed.
    """
    try:
        reply = transport.send(request, deadline)
        try:
            return StorageAnswer(reply.head, _content(reply))
        finally:
            reply.body.close()
    except httpx.TransportError as error:
        deadline.check(STORAGE_UPSTREAM)
        raise AttemptError(
            ErrorCode.STORAGE_UNAVAILABLE,
            f"Cloudinary does not answer ({error})",
            upstream=STORAGE_UPSTREAM,
        ) from error


def _content(reply: Reply) -> bytes:
    # With a bytes object each of many small chunks would copy everything before it.
    content = bytearray()
    for chunk in reply.body:
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            break
    return bytes(content)
