"""What Cloudinary answers: a stored image, other fields, or an error in the project's codes.

https://cloudinary.com/documentation/image_upload_api_reference#upload_response
"""

import json
from typing import Any

import httpx

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.storyboard import StoredImage
from storyboard_worker.transfer.retry_after import retry_after_seconds
from storyboard_worker.transfer.storage_exchange import StorageAnswer

MAX_REASON_CHARACTERS = 300
MAX_ID_CHARACTERS = 200
# What a stored image has, beside numbers.
TEXTS = ("secure_url", "public_id", "asset_id", "format", "etag")
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


def read_stored_image(answer: StorageAnswer, public_id: str, redactor: Redactor) -> StoredImage:
    """The image that Cloudinary says it has stored under ``public_id``.

    ``redactor`` cleans what is quoted from ``answer``, which may repeat the key: that must not
    reach the table. Raises :class:`AttemptError` with a ``storage_…`` code or
    ``image_too_large``.
    """
    image = _stored(read_answer(answer, redactor), answer)
    if image.public_id != public_id:
        raise _misplaced(answer, redactor.text(image.public_id))
    return image


def read_answer(answer: StorageAnswer, redactor: Redactor) -> dict[str, Any]:
    """The fields of a good answer; none where it is not what Cloudinary answers.

    Raises :class:`AttemptError` where it is an error.
    """
    fields = _json_object(answer.content)
    if answer.status != httpx.codes.OK:
        raise _refused(answer, as_one_line(redactor.text(_reason(answer, fields))))
    return fields


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _refused(answer: StorageAnswer, reason: str) -> AttemptError:
    status = answer.status
    reason = reason[:MAX_REASON_CHARACTERS]
    return AttemptError(
        _code_for(status, reason),
        f"Cloudinary answers {status}" + (f": {reason}" if reason else ""),
        upstream=STORAGE_UPSTREAM,
        retry_after_seconds=retry_after_seconds(answer.head),
        http_status=status,
        request_id=answer.request_id,
    )


def _reason(answer: StorageAnswer, fields: dict[str, Any]) -> str:
    error = fields.get("error")
    said = error.get("message") if isinstance(error, dict) else None
    reason = str(said or answer.head.text(b"x-cld-error"))
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


def _stored(fields: dict[str, Any], answer: StorageAnswer) -> StoredImage:
    try:
        cdn_url, public_id, asset_id, image_format, etag = _texts(fields)
        return StoredImage(
            cdn_url=cdn_url,
            public_id=public_id,
            asset_id=asset_id,
            format=image_format,
            width=_number(fields, "width"),
            height=_number(fields, "height"),
            bytes=_number(fields, "bytes"),
            etag=etag,
        )
    except (KeyError, TypeError) as error:
        raise AttemptError(
            ErrorCode.STORAGE_UNAVAILABLE,
            f"Cloudinary's answer lacks what a stored image has: {error.args[0]}",
            upstream=STORAGE_UPSTREAM,
            http_status=answer.status,
            request_id=answer.request_id,
        ) from error


def _misplaced(answer: StorageAnswer, public_id: str) -> AttemptError:
    return AttemptError(
        ErrorCode.STORAGE_MISMATCH,
        f"Cloudinary stored the image under another id: {public_id[:MAX_ID_CHARACTERS]}",
        upstream=STORAGE_UPSTREAM,
        request_id=answer.request_id,
    )


def _texts(fields: dict[str, Any]) -> list[str]:
    """Raises :class:`KeyError` or :class:`TypeError` with the name of one that is no good text."""
    texts = [fields[name] for name in TEXTS]
    for name, text in zip(TEXTS, texts, strict=True):
        if not isinstance(text, str) or not text:
            raise TypeError(name)
    # Together, because what Cloudinary answers is storable.
    if not _is_storable("".join(texts)):
        raise TypeError(next(name for name in TEXTS if not _is_storable(fields[name])))
    return texts


def _is_storable(text: str) -> bool:
    """Whether Postgres takes it: it has no NUL, and UTF-8 can encode it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _number(fields: dict[str, Any], name: str) -> int:
    value = fields[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_INTEGER:
        raise TypeError(name)
    return value
