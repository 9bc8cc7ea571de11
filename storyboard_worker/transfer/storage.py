"""The storage: uploads to Cloudinary's Upload API, signed by its SDK.

The SDK signs. The bytes go over the project's own HTTP client, because the SDK's upload call
holds the whole file in memory, has no time-out, and loses status and ``Retry-After``. Protocol:
https://cloudinary.com/documentation/image_upload_api_reference#upload
"""

import uuid
from collections.abc import Iterable, Iterator

import cloudinary
import cloudinary.utils
import httpx

from storyboard_worker import __version__
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.storyboard import StoredImage
from storyboard_worker.transfer.storage_answers import read_stored_image
from storyboard_worker.wire.deadline import Deadline

MAX_ANSWER_BYTES = 1_000_000
# Every asset of this program carries it, so that all of them can be found in the account.
TAG = "storyboard"


class Storage:
    """Uploads images to one Cloudinary account."""

    def __init__(self, transport: httpx.BaseTransport, settings: CloudinarySettings) -> None:
        self._transport = transport
        self._settings = settings
        # An answer may repeat the key, which must not reach the table.
        self._redactor = Redactor([settings.api_key, settings.api_secret])
        self._url = httpx.URL(
            cloudinary.utils.cloudinary_api_url(
                "upload",
                resource_type="image",
                cloud_name=settings.cloud_name,
                upload_prefix=settings.upload_prefix,
            )
        )
        # Only Cloudinary sees the boundary, so no image can contain it on purpose. One serves for
        # all uploads.
        self._boundary = uuid.uuid4().hex
        self._headers = [
            (b"Host", self._url.netloc),
            (b"Content-Type", f"multipart/form-data; boundary={self._boundary}".encode()),
            # The answer is not unpacked.
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", f"storyboard-worker/{__version__} {cloudinary.USER_AGENT}".encode()),
        ]

    def upload(
        self,
        public_id: str,
        context: str,
        body: Iterable[bytes],
        length_bytes: int,
        deadline: Deadline,
    ) -> StoredImage:
        """Store ``body``, exactly ``length_bytes`` long, under ``public_id``.

        The asset carries the tag :data:`TAG` and ``context``, encoded as Cloudinary takes it.
        An exception raised by ``body`` passes through. It breaks the upload off, so that no
        partial image is stored. Raises :class:`AttemptError` with a ``storage_…`` code or
        ``image_too_large``.
        """
        opening, closing = self._multipart(public_id, context)
        length = b"%d" % (len(opening) + length_bytes + len(closing))
        request = httpx.Request(
            "POST",
            self._url,
            headers=[*self._headers, (b"Content-Length", length)],
            stream=_Framed(opening, body, closing),
            extensions={"deadline": deadline},
        )
        response, content = self._send(request, deadline)
        return read_stored_image(response, content, public_id, self._redactor)

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

    def _multipart(self, public_id: str, context: str) -> tuple[bytes, bytes]:
        """The parts of the body before and after the file's bytes (RFC 7578)."""
        delimiter = f"--{self._boundary}"
        parts = [
            f'{delimiter}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in self._signed_fields(public_id, context).items()
        ]
        parts.append(
            f'{delimiter}\r\nContent-Disposition: form-data; name="file"; filename="image"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return "".join(parts).encode(), f"\r\n{delimiter}--\r\n".encode()

    def _signed_fields(self, public_id: str, context: str) -> dict[str, str]:
        fields = {
            "public_id": public_id,
            "timestamp": str(cloudinary.utils.now()),
            # After a lost answer the same image is uploaded again and replaces itself.
            "overwrite": "true",
            "tags": TAG,
            "context": context,
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
    # With a bytes object each of many small chunks would copy everything before it.
    content = bytearray()
    assert isinstance(response.stream, httpx.SyncByteStream)
    for chunk in response.stream:
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            break
    return bytes(content)
