"""From source to storage in one pass: the answer of one is the body of the other.

No file and no whole image in memory: each slot holds a few chunks, whatever the size, and
download and upload overlap. The type is checked on the first bytes, before the upload
begins; the last chunk is held back until the image is known to be whole. A body that breaks
off breaks the upload off, so nothing half is ever stored.

A source that does not say how long its image is goes through a bounded spool first, because
the upload has to declare its length.
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.settings.reading import Verify
from storyboard_worker.storyboard import Claim, StoredImage, public_id
from storyboard_worker.timings import Timings
from storyboard_worker.transfer.asset_context import asset_context
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.transfer.images import HEAD_BYTES, ImageType, recognise, structure_of
from storyboard_worker.transfer.source import Source, SourceImage
from storyboard_worker.transfer.spool import Spools
from storyboard_worker.transfer.storage import Storage
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.transport import Begun

# Of an upload whose end is unknown.
UNANSWERED = frozenset({ErrorCode.STORAGE_UNAVAILABLE, ErrorCode.ATTEMPT_TIMEOUT})
# An answer without what a stored image has, and those of gateways that have waited in vain.
SAYING_NOTHING = frozenset({200, 499, 502, 504})


class Transfer:
    """Copies one image. ``folder`` is the first part of every public id."""

    def __init__(
        self,
        source: Source,
        storage: Storage,
        *,
        folder: str,
        max_image_bytes: int,
        verify: Verify,
        spools: Spools,
    ) -> None:
        self._spools = spools
        self._source = source
        self._storage = storage
        self._folder = folder
        self._max_image_bytes = max_image_bytes
        self._verify = verify

    def begin(self, claim: Claim, deadline: Deadline) -> Begun | None:
        """Ask for the image of ``claim`` without waiting, if that is possible now. What is begun
        goes into the :class:`Attempt` with the same ``deadline``."""
        left = claim.seconds_until_expiry
        if left is not None and left <= 0:
            return None
        return self._source.begin(claim.source_url, deadline)

    def copy(self, attempt: Attempt) -> StoredImage:
        """Raises :class:`AttemptError`, or :class:`AttemptCancelled` when stopped."""
        claim = attempt.claim
        attempt.announce(f"asking {claim.host} for the image")
        begun = attempt.begun
        attempt.timings.asked_at = begun.begun_at if begun else time.monotonic()
        with self._source.open(
            claim.source_url,
            attempt.deadline,
            link_has_expired=lambda: attempt.link_has_expired,
            begun=begun,
        ) as found:
            if found.length_bytes is None:
                return self._copy_spooled(attempt, found)
            self._check_size(found.length_bytes, claim.host)
            return self._store(attempt, found, found.length_bytes)

    def _copy_spooled(self, attempt: Attempt, found: SourceImage) -> StoredImage:
        attempt.announce("the source does not say how long the image is: reading it whole first")
        timings = attempt.timings
        with self._spools.open() as spool:
            length = 0
            for chunk in found.chunks:
                timings.first_byte_at = timings.first_byte_at or time.monotonic()
                length += len(chunk)
                self._check_size(length, attempt.claim.host)
                spool.write(chunk)
            spooled = replace(found, chunks=spool.chunks())
            return self._store(attempt, spooled, length)

    def _store(self, attempt: Attempt, found: SourceImage, length: int) -> StoredImage:
        claim, announce = attempt.claim, attempt.announce
        body = ImageBody(
            found.chunks,
            length,
            claim.host,
            attempt.timings,
            hashing=self._verify == "hash",
            encoding=found.encoding,
        )
        announce(f"the source sends a {body.image_type} of {length:,} bytes: uploading it")
        name = public_id(self._folder, claim.id, claim.source_url)
        context = asset_context(claim.id, claim.project_id)
        try:
            image = self._storage.upload(name, context, body, length, attempt.deadline)
            attempt.timings.stored_at = time.monotonic()
            _check_stored(image, length, body.md5_hex)
        except AttemptError as error:
            if _may_be_stored(error, attempt.timings):
                error.maybe_stored = name
            raise
        announce(f"Cloudinary has stored it as {image.public_id}")
        return image

    def _check_size(self, length: int, host: str) -> None:
        if length > self._max_image_bytes:
            raise AttemptError(
                ErrorCode.IMAGE_TOO_LARGE,
                f"the image has {length:,} bytes or more, "
                f"above MAX_IMAGE_BYTES ({self._max_image_bytes:,})",
                upstream=host,
            )


class ImageBody:
    """The chunks of one image, checked while they pass.

    The type is known on construction; ``timings`` learns when the first and the last of them
    have come; ``encoding`` is what the source says of them. Iterating raises
    :class:`AttemptError` in place of the last chunk when the image is not whole.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        length: int,
        host: str,
        timings: Timings,
        *,
        hashing: bool,
        encoding: str = "",
    ) -> None:
        self._chunks = chunks
        self._encoding = encoding
        self._length = length
        self._host = host
        self._md5 = hashlib.md5(usedforsecurity=False) if hashing else None
        self._head = b""
        while len(self._head) < HEAD_BYTES and (chunk := next(chunks, b"")):
            self._head += chunk
        timings.first_byte_at = timings.first_byte_at or time.monotonic()
        timings.length_bytes = length
        self._timings = timings
        self.image_type = self._recognised()

    @property
    def md5_hex(self) -> str | None:
        """Of what has passed so far; ``None`` when no hash was asked for."""
        return None if self._md5 is None else self._md5.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        held, passed = self._head, len(self._head)
        structure = structure_of(self.image_type)
        structure.feed(held)
        self._hash(held)
        for chunk in self._chunks:
            yield held
            held = chunk
            passed += len(chunk)
            structure.feed(chunk)
            self._hash(chunk)
        if passed != self._length:
            raise self._truncated(f"{passed:,} of {self._length:,} bytes arrived")
        if not structure.is_whole:
            raise self._truncated(f"the {self.image_type} lacks its end")
        self._timings.last_byte_at = time.monotonic()
        yield held

    def _hash(self, chunk: bytes) -> None:
        if self._md5 is not None:
            self._md5.update(chunk)

    def _recognised(self) -> ImageType:
        if not self._head:
            raise self._truncated("it is empty")
        image_type = recognise(self._head)
        if image_type is None:
            raise AttemptError(
                ErrorCode.IMAGE_INVALID,
                "what the source sends is not a JPEG, PNG or WebP"
                + (f"; it is encoded as {self._encoding!r}" if self._encoding else ""),
                upstream=self._host,
            )
        return image_type

    def _truncated(self, reason: str) -> AttemptError:
        return AttemptError(
            ErrorCode.IMAGE_TRUNCATED, f"the image is not whole: {reason}", upstream=self._host
        )


def _may_be_stored(error: AttemptError, timings: Timings) -> bool:
    """Whether all bytes were sent, and no answer says that they are refused."""
    if error.code is ErrorCode.STORAGE_MISMATCH:
        return True
    says_nothing = error.http_status is None or error.http_status in SAYING_NOTHING
    return timings.last_byte_at is not None and error.code in UNANSWERED and says_nothing


def _check_stored(image: StoredImage, length: int, md5_hex: str | None) -> None:
    if image.bytes != length:
        said = f"{image.bytes:,} bytes instead of {length:,}"
    elif md5_hex is not None and image.etag != md5_hex:
        said = f"the hash {image.etag[:40]} instead of {md5_hex}"
    else:
        return
    raise AttemptError(
        ErrorCode.STORAGE_MISMATCH,
        f"Cloudinary says it stored {said} (an upload preset that transforms the image needs "
        "VERIFY_STORED=size, or none)",
        upstream=STORAGE_UPSTREAM,
    )
