"""The real client of the storage's stand-in."""

from typing import Any

import cloudinary.api
import cloudinary.uploader

from storyboard_worker.demo.cloudinary import Cloudinary


class Sdk:
    """Cloudinary's own SDK, pointed at a stand-in."""

    def __init__(self, server: Cloudinary) -> None:
        self.options = {
            "cloud_name": server.cloud_name,
            "api_key": server.api_key,
            "api_secret": server.api_secret,
            "upload_prefix": server.url,
        }

    def upload(self, file: bytes, public_id: str = "panel", **options: object) -> dict[str, Any]:
        answer: dict[str, Any] = cloudinary.uploader.upload(
            file, public_id=public_id, **{**self.options, "timeout": 20, **options}
        )
        return answer

    def ping(self, **options: object) -> dict[str, Any]:
        return dict(cloudinary.api.ping(**{**self.options, **options}))

    def usage(self) -> dict[str, Any]:
        return dict(cloudinary.api.usage(**self.options))
