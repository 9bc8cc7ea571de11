"""What the stand-in for Cloudinary holds: one asset for each public id."""

import hashlib
import re
import secrets
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote

from storyboard_worker.demo.cloudinary_context import read_context
from storyboard_worker.demo.cloudinary_signature import sign, string_to_sign
from storyboard_worker.demo.dimensions import Dimensions, dimensions_of

# Transformations stand before the version. The stand-in delivers the original for all of them.
TRANSFORMED = re.compile(r"(?P<head>/[^/]+/image/upload/)(?:[^/]+/)+?(?P<tail>v[0-9]+/.+)")


@dataclass(frozen=True)
class Asset:
    """``body`` is ``None`` where the stand-in was told not to keep bytes."""

    public_id: str
    version: int
    dimensions: Dimensions
    length_bytes: int
    md5_hex: str
    body: bytes | None
    tags: tuple[str, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    original_filename: str = ""
    asset_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    version_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def path(self, cloud_name: str) -> str:
        """Where it is delivered, unquoted."""
        name = f"{self.public_id}.{self.dimensions.format}"
        return f"/{cloud_name}/image/upload/v{self.version}/{name}"

    def answer(self, server_url: str, cloud_name: str, api_secret: str) -> dict[str, object]:
        """The fields of a successful upload's answer.

        https://cloudinary.com/documentation/image_upload_api_reference#upload_response
        """
        signed = string_to_sign({"public_id": self.public_id, "version": str(self.version)}, 1)
        url = server_url + quote(self.path(cloud_name))
        return {
            "asset_id": self.asset_id,
            "public_id": self.public_id,
            "version": self.version,
            "version_id": self.version_id,
            "signature": sign(signed, api_secret),
            "width": self.dimensions.width,
            "height": self.dimensions.height,
            "format": self.dimensions.format,
            "resource_type": "image",
            "created_at": f"{self.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "tags": list(self.tags),
            **({"context": {"custom": dict(self.context)}} if self.context else {}),
            "bytes": self.length_bytes,
            "type": "upload",
            "etag": self.md5_hex,
            "placeholder": False,
            "url": url,
            "secure_url": url,
            "asset_folder": self.public_id.rpartition("/")[0],
            "original_filename": self.original_filename,
        }


class Assets:
    """Stores by public id and finds by the path of delivery."""

    def __init__(self, cloud_name: str) -> None:
        self._cloud_name = cloud_name
        self._lock = threading.Lock()
        self._by_public_id: dict[str, Asset] = {}
        self._by_path: dict[str, Asset] = {}

    def store(self, asset: Asset, *, overwrite: bool) -> tuple[Asset, bool]:
        """What is stored under the public id now, and whether that is ``asset``.

        A replaced asset keeps its ``asset_id`` and its first ``created_at``, and gets a newer
        version; its old path is gone.
        """
        with self._lock:
            before = self._by_public_id.get(asset.public_id)
            if before is not None:
                if not overwrite:
                    return before, False
                asset = _successor(asset, before)
                del self._by_path[before.path(self._cloud_name)]
            self._by_public_id[asset.public_id] = asset
            self._by_path[asset.path(self._cloud_name)] = asset
            return asset, True

    def delete(self, public_id: str) -> None:
        """Raises :class:`KeyError` where there is none."""
        with self._lock:
            asset = self._by_public_id.pop(public_id)
            del self._by_path[asset.path(self._cloud_name)]

    def delete_all(self, public_ids: Iterable[str]) -> dict[str, str]:
        """What Cloudinary answers for each: ``deleted`` or ``not_found``."""
        answers = {}
        for public_id in public_ids:
            try:
                self.delete(public_id)
                answers[public_id] = "deleted"
            except KeyError:
                answers[public_id] = "not_found"
        return answers

    def put(self, public_ids: Iterable[str], body: bytes) -> None:
        """Store the same image under many ids, as if it had been uploaded under each."""
        for public_id in public_ids:
            asset = new_asset(body, {"public_id": public_id}, "image", keep_bytes=True)
            self.store(asset, overwrite=True)

    def get(self, public_id: str) -> Asset | None:
        with self._lock:
            return self._by_public_id.get(public_id)

    def at_path(self, path: str) -> Asset | None:
        with self._lock:
            return self._by_path.get(TRANSFORMED.sub(r"\g<head>\g<tail>", path))


def new_asset(
    body: bytes, parameters: Mapping[str, str], filename: str, *, keep_bytes: bool
) -> Asset:
    """An asset of its first version, as the parameters of an upload describe it."""
    dimensions = dimensions_of(body)
    assert dimensions is not None, "only images are stored"
    return Asset(
        public_id=parameters.get("public_id") or secrets.token_hex(10),
        version=int(time.time()),
        dimensions=dimensions,
        length_bytes=len(body),
        md5_hex=hashlib.md5(body, usedforsecurity=False).hexdigest(),
        body=body if keep_bytes else None,
        tags=tuple(tag for tag in parameters.get("tags", "").split(",") if tag),
        context=read_context(parameters.get("context", "")),
        original_filename=filename.rpartition(".")[0] or filename,
    )


def _successor(asset: Asset, before: Asset) -> Asset:
    return replace(
        asset,
        asset_id=before.asset_id,
        created_at=before.created_at,
        # Versions are seconds; two uploads within one must differ all the same.
        version=max(asset.version, before.version + 1),
    )
