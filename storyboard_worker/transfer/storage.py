"""The storage: uploads to Cloudinary's Upload API, signed by its SDK.

The SDK signs. The bytes go over the project's own HTTP client, because the SDK's upload call
holds the whole file in memory, has no time-out, and loses status and ``Retry-After``. Protocol:
https://cloudinary.com/documentation/image_upload_api_reference#upload
"""

from collections.abc import Iterable, Iterator

import cloudinary
import cloudinary.utils
import httpx

from storyboard_worker import __version__
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.storyboard import StoredImage
from storyboard_worker.transfer.storage_answers import read_stored_image
from storyboard_worker.transfer.storage_exchange import exchanged
from storyboard_worker.transfer.upload_form import UploadForm
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.request import Request, Target, field_lines, head_of
from storyboard_worker.wire.transport import Transport


class Storage:
    """Uploads images to one Cloudinary account."""

    def __init__(self, transport: Transport, settings: CloudinarySettings) -> None:
        self._transport = transport
        # An answer may repeat the key, which must not reach the table.
        self._redactor = Redactor([settings.api_key, settings.api_secret])
        url = cloudinary.utils.cloudinary_api_url(
            "upload",
            resource_type="image",
            cloud_name=settings.cloud_name,
            upload_prefix=settings.upload_prefix,
        )
        self._target = Target.of(httpx.URL(url))
        self._form = UploadForm(settings)
        self._fields = field_lines(
            (b"Content-Type", self._form.content_type),
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

        The asset carries the tag of :class:`UploadForm` and ``context``, encoded as Cloudinary
        takes it. An exception raised by ``body`` passes through. It breaks the upload off, so that
        no partial image is stored. Raises :class:`AttemptError` with a ``storage_…`` code or
        ``image_too_large``.
        """
        opening, closing = self._form.around(public_id, context)
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

    def close(self) -> None:
        self._transport.close()


def _framed(opening: bytes, body: Iterable[bytes], closing: bytes) -> Iterator[bytes]:
    yield opening
    yield from body
    yield closing
