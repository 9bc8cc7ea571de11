"""What an account has been through, for a test to look at and to wait for."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from storyboard_worker.demo.cloudinary_assets import Asset
from storyboard_worker.demo.journal import Journal, ReceivedRequest


@dataclass(frozen=True)
class Upload:
    """One image stored; ``stored_at`` by :func:`time.monotonic`."""

    public_id: str
    version: int
    bytes: int
    md5: str
    stored_at: float

    @classmethod
    def of(cls, asset: Asset) -> Self:
        return cls(
            asset.public_id, asset.version, asset.length_bytes, asset.md5_hex, time.monotonic()
        )


@dataclass(frozen=True)
class Refusal:
    """One request that the account's own checks refused."""

    status: int
    message: str


@dataclass(frozen=True)
class DeletedAssets:
    """One call that deleted assets: what was answered for each public id."""

    answers: Mapping[str, str]
    invalidate: bool


class UploadRecords:
    """The reading side is public; the account writes into the journals."""

    def __init__(self) -> None:
        self._requests: Journal[ReceivedRequest] = Journal()
        self._uploads: Journal[Upload] = Journal()
        self._refusals: Journal[Refusal] = Journal()
        self._broken_off: Journal[float] = Journal()
        self._deletions: Journal[DeletedAssets] = Journal()

    @property
    def requests(self) -> list[ReceivedRequest]:
        """All requests so far, noted before their body is read."""
        return self._requests.entries()

    @property
    def uploads(self) -> list[Upload]:
        """Every image stored so far, in order, the replaced ones too."""
        return self._uploads.entries()

    @property
    def refusals(self) -> list[Refusal]:
        return self._refusals.entries()

    @property
    def deletions(self) -> list[DeletedAssets]:
        """The calls of the Admin API that deleted assets, in order."""
        return self._deletions.entries()

    @property
    def broken_off(self) -> int:
        """How many uploads the client broke off within their body."""
        return self._broken_off.count()

    def wait_for_requests(self, count: int, timeout_seconds: float = 10.0) -> list[ReceivedRequest]:
        """Like the other waits: what there is once ``count`` came, else :class:`TimeoutError`."""
        return self._requests.wait_for(count, timeout_seconds)

    def wait_for_uploads(self, count: int, timeout_seconds: float = 10.0) -> list[Upload]:
        return self._uploads.wait_for(count, timeout_seconds)

    def wait_for_broken_off(self, count: int, timeout_seconds: float = 10.0) -> None:
        self._broken_off.wait_for(count, timeout_seconds)
