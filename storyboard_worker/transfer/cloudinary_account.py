"""The Cloudinary account as the Admin API describes it, with the official SDK.

The calls of the Admin API are rate-limited, so each is made once:
https://cloudinary.com/documentation/admin_api
"""

from collections.abc import Callable
from typing import Any

import cloudinary.api
import cloudinary.exceptions

from storyboard_worker.errors import StoryboardWorkerError
from storyboard_worker.settings.cloudinary import CloudinarySettings

# For one try; the SDK tries four times.
TIMEOUT_SECONDS = 2.5

CREDENTIALS = (
    "copy CLOUDINARY_URL anew, from the Cloudinary console (where CLOUDINARY_CLOUD_NAME is set: "
    "that, CLOUDINARY_API_KEY and CLOUDINARY_API_SECRET)"
)


class AccountError(StoryboardWorkerError):
    """Cloudinary does not answer as it should; ``fix`` says what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


class Account:
    """One account, asked with the key and the secret of the settings."""

    def __init__(self, settings: CloudinarySettings) -> None:
        self._options = {
            "cloud_name": settings.cloud_name,
            "api_key": settings.api_key,
            "api_secret": settings.api_secret,
            "upload_prefix": settings.upload_prefix,
            "timeout": TIMEOUT_SECONDS,
        }

    def ping(self) -> None:
        """Check key and secret. Raises :class:`AccountError` if Cloudinary refuses them."""
        self._call(cloudinary.api.ping)

    def max_image_bytes(self) -> int | None:
        """The largest image that the plan allows; ``None`` if the answer does not say it.

        Raises :class:`AccountError`.
        """
        limits = self._call(cloudinary.api.usage).get("media_limits")
        limit = limits.get("image_max_size_bytes") if isinstance(limits, dict) else None
        return limit if isinstance(limit, int) else None

    def _call(self, call: Callable[..., Any]) -> dict[str, Any]:
        try:
            return dict(call(**self._options))
        except cloudinary.exceptions.AuthorizationRequired as error:
            raise AccountError("key or secret is wrong (401)", CREDENTIALS) from error
        except cloudinary.exceptions.NotAllowed as error:
            raise AccountError("the key may not do this (403)", CREDENTIALS) from error
        except cloudinary.exceptions.NotFound as error:
            raise AccountError("there is no such cloud (404)", CREDENTIALS) from error
        except cloudinary.exceptions.RateLimited as error:
            raise AccountError("the Admin API limits our rate", "try again in an hour") from error
        except (cloudinary.exceptions.Error, ValueError) as error:
            raise AccountError(
                f"does not answer as it should ({type(error).__name__})",
                "look at https://status.cloudinary.com and at CLOUDINARY_UPLOAD_PREFIX",
            ) from error
