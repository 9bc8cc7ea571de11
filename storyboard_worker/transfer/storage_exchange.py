"""One request to Cloudinary and its whole answer; what goes wrong between is an error of ours."""

import httpx

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.wire.deadline import Deadline

MAX_ANSWER_BYTES = 1_000_000


def exchanged(
    transport: httpx.BaseTransport, request: httpx.Request, deadline: Deadline
) -> tuple[httpx.Response, bytes]:
    """The answer to ``request``, and its body up to :data:`MAX_ANSWER_BYTES` and a chunk.

    Raises :class:`AttemptError`: ``storage_unavailable`` where none comes, ``attempt_timeout``
    where ``deadline`` has passed.
    """
    try:
        response = transport.handle_request(request)
        try:
            return response, _content(response)
        finally:
            response.close()
    except httpx.TransportError as error:
        deadline.check(STORAGE_UPSTREAM)
        raise AttemptError(
            ErrorCode.STORAGE_UNAVAILABLE,
            f"Cloudinary does not answer ({error})",
            upstream=STORAGE_UPSTREAM,
        ) from error


def _content(response: httpx.Response) -> bytes:
    # With a bytes object each of many small chunks would copy everything before it.
    content = bytearray()
    assert isinstance(response.stream, httpx.SyncByteStream)
    for chunk in response.stream:
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            break
    return bytes(content)
