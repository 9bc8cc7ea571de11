"""The storage: uploads to Cloudinary's Upload API, signed by its SDK.

The SDK signs. The bytes go over the project's own HTTP client, because the SDK's upload call
holds the whole file in memory, has no time-out, and loses status and ``Retry-After``. Protocol:
https://cloudinary.com/documentation/image_upload_api_reference#upload
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import cloudinary
import cloudinary.utils
import httpx

from storyboard_worker import __version__
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.storyboard import StoredImage
from storyboard_worker.transfer.storage_answers import read_stored_image
from storyboard_worker.transfer.storage_exchange import exchanged
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.request import Request, Target, field_lines, head_of
from storyboard_worker.wire.transport import Transport

# Every asset of this program carries it, so that all of them can be found in the account.
TAG = "storyboard"
COMMON = {
    # After a lost answer the same image is uploaded again and replaces itself.
    "overwrite": "true",
    "tags": TAG,
}
# Stands for the value of a field. No setting holds it.
VALUE = "\0"


class Storage:
    """Uploads images to one Cloudinary account."""

    def __init__(self, transport: Transport, settings: CloudinarySettings) -> None:
        self._transport = transport
        self._settings = settings
        # An answer may repeat the key, which must not reach the table.
        self._redactor = Redactor([settings.api_key, settings.api_secret])
        url = cloudinary.utils.cloudinary_api_url(
            "upload",
            resource_type="image",
            cloud_name=settings.cloud_name,
            upload_prefix=settings.upload_prefix,
        )
        self._target = Target.of(httpx.URL(url))
        signing = cloudinary.config()
        # What the SDK's sign_request() does for each upload, without its search for options.
        self._sign: Callable[[dict[str, str]], str] = partial(
            cloudinary.utils.api_sign_request,
            api_secret=settings.api_secret,
            algorithm=signing.signature_algorithm,
            signature_version=signing.signature_version,
        )
        # Only Cloudinary sees the boundary, so no image can contain it on purpose. One serves for
        # all uploads.
        self._boundary = uuid.uuid4().hex
        self._pieces = self._pieces_around_values()
        self._closing = f"\r\n--{self._boundary}--\r\n".encode()
        self._fields = field_lines(
            (b"Content-Type", f"multipart/form-data; boundary={self._boundary}".encode()),
            # The answer is not unpacked.
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", f"storyboard-worker/{__version__} {cloudinary.USER_AGENT}".encode()),
        )

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
        length = len(opening) + length_bytes + len(closing)
        fields = self._fields + b"Content-Length: %d\r\n" % length
        request = Request(
            "POST",
            self._target.origin,
            head_of("POST", self._target, fields),
            length_bytes=length,
            body=_framed(opening, body, closing),
        )
        answer = exchanged(self._transport, request, deadline)
        return read_stored_image(answer, public_id, self._redactor)

    def _multipart(self, public_id: str, context: str) -> tuple[bytes, bytes]:
        """The parts of the body before and after the file's bytes (RFC 7578)."""
        timestamp = str(cloudinary.utils.now())
        own = {"public_id": public_id, "timestamp": timestamp, "context": context}
        signature = self._sign(own | COMMON)
        before_id, before_timestamp, before_context, before_signature, rest = self._pieces
        opening = (
            f"{before_id}{public_id}{before_timestamp}{timestamp}"
            f"{before_context}{context}{before_signature}{signature}{rest}"
        )
        return opening.encode(), self._closing

    def _pieces_around_values(self) -> list[str]:
        """The text of a body between the values that each upload has of its own."""
        delimiter = f"--{self._boundary}"
        own = dict.fromkeys(("public_id", "timestamp", "context", "signature"), VALUE)
        fields = own | COMMON | {"api_key": self._settings.api_key}
        parts = [
            f'{delimiter}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        parts.append(
            f'{delimiter}\r\nContent-Disposition: form-data; name="file"; filename="image"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return "".join(parts).split(VALUE)

    def close(self) -> None:
        self._transport.close()


def _framed(opening: bytes, body: Iterable[bytes], closing: bytes) -> Iterator[bytes]:
    yield opening
    yield from body
    yield closing
