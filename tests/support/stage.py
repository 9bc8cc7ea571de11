"""A source, a storage and the transfer between them, over real sockets on loopback."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import SourceFault
from storyboard_worker.demo.origin import Origin
from storyboard_worker.errors import AttemptError
from storyboard_worker.resources.restraint import Pause
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.settings.reading import Verify
from storyboard_worker.storyboard import Claim, StoredImage
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.transfer.copying import Transfer
from storyboard_worker.transfer.public_addresses import PublicResolver
from storyboard_worker.transfer.source import Source
from storyboard_worker.transfer.spool import Spools
from storyboard_worker.transfer.storage import Storage
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.outgoing import ONE_PIECE_BYTES
from storyboard_worker.wire.resolve import Resolver
from storyboard_worker.wire.transport import Transport

FOLDER = "panels"
# The time-outs of tests that wait for one, and the generous ones of all other tests.
HASTY_SECONDS = 0.4
PATIENT_SECONDS = 20.0
# The time of an attempt, unless the test is about running out of time.
PLENTY_SECONDS = 60.0


def cloudinary_settings(cloudinary: Cloudinary) -> CloudinarySettings:
    return CloudinarySettings(
        cloud_name=cloudinary.cloud_name,
        api_key=cloudinary.api_key,
        api_secret=cloudinary.api_secret,
        upload_prefix=cloudinary.url,
        folder=FOLDER,
    )


def transport(
    resolve: Resolver | None = None, *, timeout_seconds: float = PATIENT_SECONDS
) -> Transport:
    return Transport(
        resolve=resolve or PublicResolver(allow_private=True),
        connect_timeout_seconds=timeout_seconds,
        read_timeout_seconds=timeout_seconds,
    )


def make_transfer(
    source: Source,
    storage: Storage,
    *,
    max_image_bytes: int = 10_485_760,
    verify: Verify = "hash",
) -> Transfer:
    return Transfer(
        source,
        storage,
        folder=FOLDER,
        max_image_bytes=max_image_bytes,
        verify=verify,
        spools=Spools(Pause(time.monotonic)),
    )


# The text that Transfer.copy announces.
UPLOADING = re.compile(r"of ([0-9,]+) bytes: uploading it$")


def claim_of(url: str, storyboard_id: UUID | None = None) -> Claim:
    return Claim(storyboard_id or uuid4(), uuid4(), url, 1, 8, None, 0.0)


@dataclass
class Stage:
    """:meth:`use` replaces ``source`` and ``transfer``."""

    origin: Origin
    cloudinary: Cloudinary
    source: Source
    storage: Storage
    transfer: Transfer
    stack: ExitStack
    steps: list[str] = field(default_factory=list)

    def use(
        self,
        client: Transport | None = None,
        *,
        allowed_hosts: tuple[str, ...] = (),
        allow_http: bool = True,
        max_image_bytes: int = 10_485_760,
        verify: Verify = "hash",
    ) -> None:
        """A source and a transfer with other settings."""
        self.source = Source(
            client or transport(), allowed_hosts=allowed_hosts, allow_http=allow_http
        )
        self.stack.callback(self.source.close)
        self.transfer = make_transfer(
            self.source, self.storage, max_image_bytes=max_image_bytes, verify=verify
        )

    def serve(
        self, body: bytes, faults: Sequence[SourceFault] = (), *, name: str = "panel.jpg"
    ) -> str:
        """Put ``body`` at the source; its signed URL."""
        self.origin.put(name, body, faults=faults)
        return self.origin.sign(name)

    def copy(
        self,
        url: str,
        *,
        seconds: float = PLENTY_SECONDS,
        deadline: Deadline | None = None,
        link_has_expired: bool = False,
        storyboard_id: UUID | None = None,
        project_id: str | None = None,
    ) -> StoredImage:
        claim = replace(claim_of(url, storyboard_id), project_id=project_id)
        if link_has_expired:
            claim = replace(claim, seconds_until_expiry=0.0)
        return self.transfer.copy(
            Attempt(claim, deadline or Deadline(seconds), announce=self.steps.append)
        )

    def failure(
        self, url: str, *, seconds: float = PLENTY_SECONDS, link_has_expired: bool = False
    ) -> AttemptError:
        """The error with which a copy of ``url`` ends."""
        with pytest.raises(AttemptError) as raised:
            self.copy(url, seconds=seconds, link_has_expired=link_has_expired)
        return raised.value

    def source_failure(
        self, url: str, *, seconds: float = PLENTY_SECONDS, link_has_expired: bool = False
    ) -> AttemptError:
        """Like :meth:`failure`; it also checks that the storage has kept nothing."""
        error = self.failure(url, seconds=seconds, link_has_expired=link_has_expired)
        self.assert_nothing_stored()
        return error

    def assert_nothing_stored(self) -> None:
        """Check that no upload was begun, or that it was broken off within its body.

        An upload that fits into one piece is not sent at all then.
        """
        begun = [found for step in self.steps if (found := UPLOADING.search(step))]
        if begun and int(begun[-1][1].replace(",", "")) > ONE_PIECE_BYTES:
            self.cloudinary.wait_for_broken_off(1)
        else:
            assert self.cloudinary.requests == []
        assert self.cloudinary.uploads == []


@contextmanager
def new_stage(timeout_seconds: float = PATIENT_SECONDS) -> Iterator[Stage]:
    """A new stage, which is stopped afterwards."""
    with ExitStack() as stack:
        origin = stack.enter_context(Origin())
        cloudinary = stack.enter_context(Cloudinary())
        source = Source(transport(timeout_seconds=timeout_seconds), allow_http=True)
        storage = Storage(
            transport(timeout_seconds=timeout_seconds), cloudinary_settings(cloudinary)
        )
        stack.callback(source.close)
        stack.callback(storage.close)
        yield Stage(origin, cloudinary, source, storage, make_transfer(source, storage), stack)
