"""The storage: Cloudinary's Upload API, with its own signature and our own transfer.

The SDK signs; the bytes go over our HTTP client, because the SDK's upload call holds the
whole file in memory, knows no time-out, and loses status and ``Retry-After``. Protocol:
https://cloudinary.com/documentation/image_upload_api_reference#upload
"""

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import cloudinary
import cloudinary.utils
import httpx

from storyboard_worker import __version__
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.storyboard import StoredImage
from storyboard_worker.transfer.retry_after import retry_after_seconds
from storyboard_worker.wire.deadline import Deadline

MAX_ANSWER_BYTES = 1_000_000
MAX_REASON_CHARACTERS = 300
MAX_ID_CHARACTERS = 200
MAX_INTEGER = 2**31 - 1  # what the columns of the table take; no image is near it

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


class Storage:
    """Uploads images to one Cloudinary account."""

    def __init__(self, transport: httpx.BaseTransport, settings: CloudinarySettings) -> None:
        self._transport = transport
        self._settings = settings
        # An answer may repeat the key; the table and those who read it are not to have it.
        self._redactor = Redactor([settings.api_key, settings.api_secret])
        self._url = httpx.URL(
            cloudinary.utils.cloudinary_api_url(
                "upload",
                resource_type="image",
                cloud_name=settings.cloud_name,
                upload_prefix=settings.upload_prefix,
            )
        )
        # Nobody but Cloudinary sees it, so no image can hold it; and one serves for all.
        self._boundary = uuid.uuid4().hex
        self._headers = [
            (b"Host", self._url.netloc),
            (b"Content-Type", f"multipart/form-data; boundary={self._boundary}".encode()),
            # The answer is read as it comes.
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", f"storyboard-worker/{__version__} {cloudinary.USER_AGENT}".encode()),
        ]

    def upload(
        self, public_id: str, body: Iterable[bytes], length_bytes: int, deadline: Deadline
    ) -> StoredImage:
        """Store ``body``, exactly ``length_bytes`` long, under ``public_id``.

        An exception raised by ``body`` passes through, and the upload is broken off, so that
        nothing half is stored. Raises :class:`AttemptError` with a ``storage_…`` code or
        ``image_too_large``.
        """
        opening, closing = self._multipart(public_id)
        length = b"%d" % (len(opening) + length_bytes + len(closing))
        request = httpx.Request(
            "POST",
            self._url,
            headers=[*self._headers, (b"Content-Length", length)],
            stream=_Framed(opening, body, closing),
            extensions={"deadline": deadline},
        )
        response, content = self._send(request, deadline)
        answer = _json_object(content)
        if response.status_code != httpx.codes.OK:
            raise _refused(response, _in_one_line(self._redactor.text(_reason(response, answer))))
        image = _stored(answer, response)
        if image.public_id != public_id:
            raise _misplaced(response, self._redactor.text(image.public_id))
        return image

    def _send(self, request: httpx.Request, deadline: Deadline) -> tuple[httpx.Response, bytes]:
        try:
            response = self._transport.handle_request(request)
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

    def _multipart(self, public_id: str) -> tuple[bytes, bytes]:
        """What stands before and after the file's bytes (RFC 7578)."""
        delimiter = f"--{self._boundary}"
        parts = [
            f'{delimiter}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in self._signed_fields(public_id).items()
        ]
        parts.append(
            f'{delimiter}\r\nContent-Disposition: form-data; name="file"; filename="image"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return "".join(parts).encode(), f"\r\n{delimiter}--\r\n".encode()

    def _signed_fields(self, public_id: str) -> dict[str, str]:
        fields = {
            "public_id": public_id,
            "timestamp": str(cloudinary.utils.now()),
            # The same image may be uploaded again after a lost answer: it replaces itself.
            "overwrite": "true",
        }
        signed: dict[str, str] = cloudinary.utils.sign_request(
            fields,
            {"api_key": self._settings.api_key, "api_secret": self._settings.api_secret},
        )
        return signed

    def close(self) -> None:
        self._transport.close()


class _Framed(httpx.SyncByteStream):
    def __init__(self, opening: bytes, body: Iterable[bytes], closing: bytes) -> None:
        self._opening = opening
        self._body = body
        self._closing = closing

    def __iter__(self) -> Iterator[bytes]:
        yield self._opening
        yield from self._body
        yield self._closing


def _content(response: httpx.Response) -> bytes:
    # Not bytes: each of many small chunks would have all that came before copied.
    content = bytearray()
    assert isinstance(response.stream, httpx.SyncByteStream)
    for chunk in response.stream:
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            break
    return bytes(content)


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
    # «String to sign» repeats our parameters; of no use here, and long.
    return reason.partition(" String to sign")[0]


def _in_one_line(reason: str) -> str:
    # It goes into one line of a log, and into the database, which takes no NUL or surrogate.
    return "".join(character if character.isprintable() else " " for character in reason)


def _code_for(status: int, reason: str) -> ErrorCode:
    if status == httpx.codes.BAD_REQUEST:
        if reason.startswith("File size too large"):
            return ErrorCode.IMAGE_TOO_LARGE
        if reason.startswith("Stale request"):
            # Our clock is off by an hour: that is the installation's fault, not the image's.
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
    """Postgres takes no NUL, and UTF-8 no lone surrogate."""
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
