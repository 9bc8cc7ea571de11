"""What Cloudinary answers to an upload: a stored image, or an error in the project's codes.

https://cloudinary.com/documentation/image_upload_api_reference#upload_response
"""

import json
from typing import Any

import httpx

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.storyboard import StoredImage
from storyboard_worker.transfer.retry_after import retry_after_seconds

MAX_REASON_CHARACTERS = 300
MAX_ID_CHARACTERS = 200
MAX_INTEGER = 2**31 - 1  # the limit of the columns; real images are far below it

STATUS_CODES = {
    401: ErrorCode.STORAGE_UNAUTHORIZED,
    403: ErrorCode.STORAGE_UNAUTHORIZED,
    408: ErrorCode.STORAGE_UNAVAILABLE,
    409: ErrorCode.STORAGE_UNAVAILABLE,
    413: ErrorCode.IMAGE_TOO_LARGE,
    420: ErrorCode.STORAGE_RATE_LIMITED,
    423: ErrorCode.STORAGE_UNAVAILABLE,
    425: ErrorCode.STORAGE_UNAVAILABLE,
    429: ErrorCode.STORAGE_RATE_LIMITED,
    499: ErrorCode.STORAGE_UNAVAILABLE,
}


def read_stored_image(
    response: httpx.Response, content: bytes, public_id: str, redactor: Redactor
) -> StoredImage:
    """The image that Cloudinary says it has stored under ``public_id``.

    ``content`` is the body of ``response``. ``redactor`` cleans what is quoted from it: an
    answer may repeat the key, which must not reach the table. Raises :class:`AttemptError`
    with a ``storage_…`` code or ``image_too_large``.
    """
    answer = _json_object(content)
    if response.status_code != httpx.codes.OK:
        raise _refused(response, as_one_line(redactor.text(_reason(response, answer))))
    image = _stored(answer, response)
    if image.public_id != public_id:
        raise _misplaced(response, redactor.text(image.public_id))
    return image


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _refused(response: httpx.Response, reason: str) -> AttemptError:
    status = response.status_code
    reason = reason[:MAX_REASON_CHARACTERS]
    return AttemptError(
        _code_for(status, reason),
        f"Cloudinary answers {status}" + (f": {reason}" if reason else ""),
        upstream=STORAGE_UPSTREAM,
        retry_after_seconds=retry_after_seconds(response.headers),
        http_status=status,
        request_id=response.headers.get("x-request-id"),
    )


def _reason(response: httpx.Response, answer: dict[str, Any]) -> str:
    error = answer.get("error")
    said = error.get("message") if isinstance(error, dict) else None
    reason = str(said or response.headers.get("x-cld-error") or "")
    # «String to sign» repeats the parameters of the request at length.
    return reason.partition(" String to sign")[0]


def as_one_line(reason: str) -> str:
    """What an upstream says, fit for a log line and for the database.

    The database takes no NUL and no surrogate.
    """
    return "".join(character if character.isprintable() else " " for character in reason)


def _code_for(status: int, reason: str) -> ErrorCode:
    if status == httpx.codes.BAD_REQUEST:
        if reason.startswith("File size too large"):
            return ErrorCode.IMAGE_TOO_LARGE
        if reason.startswith("Stale request"):
            # This machine's clock is off by an hour. The installation is wrong, not the image.
            return ErrorCode.STORAGE_UNAUTHORIZED
    if status in STATUS_CODES:
        return STATUS_CODES[status]
    if httpx.codes.is_client_error(status):
        return ErrorCode.STORAGE_REJECTED
    return ErrorCode.STORAGE_UNAVAILABLE


def _stored(answer: dict[str, Any], response: httpx.Response) -> StoredImage:
    try:
        return StoredImage(
            cdn_url=_text(answer, "secure_url"),
            public_id=_text(answer, "public_id"),
            asset_id=_text(answer, "asset_id"),
            format=_text(answer, "format"),
            width=_number(answer, "width"),
            height=_number(answer, "height"),
            bytes=_number(answer, "bytes"),
            etag=_text(answer, "etag"),
        )
    except (KeyError, TypeError) as error:
        raise AttemptError(
            ErrorCode.STORAGE_UNAVAILABLE,
            f"Cloudinary's answer lacks what a stored image has: {error.args[0]}",
            upstream=STORAGE_UPSTREAM,
            http_status=response.status_code,
            request_id=response.headers.get("x-request-id"),
        ) from error


def _misplaced(response: httpx.Response, public_id: str) -> AttemptError:
    return AttemptError(
        ErrorCode.STORAGE_MISMATCH,
        f"Cloudinary stored the image under another id: {public_id[:MAX_ID_CHARACTERS]}",
        upstream=STORAGE_UPSTREAM,
        request_id=response.headers.get("x-request-id"),
    )


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer[name]
    if not isinstance(value, str) or not value or not _is_storable(value):
        raise TypeError(name)
    return value


def _is_storable(text: str) -> bool:
    """Whether Postgres takes it: it has no NUL, and UTF-8 can encode it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _number(answer: dict[str, Any], name: str) -> int:
    value = answer[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_INTEGER:
        raise TypeError(name)
    return value
