"""Claims and errors for tests in which no attempt is made."""

from uuid import uuid4

from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.storyboard import Claim, StoredImage, host_of

HOST = "images.example"


def new_claim(upstream: str = HOST, attempt: int = 1) -> Claim:
    """A claim of a new row."""
    return Claim(uuid4(), uuid4(), f"https://{upstream}/a", attempt, None, None, 0.0)


def new_image() -> StoredImage:
    return StoredImage("https://cdn.example/a.jpg", "a", "asset", "jpg", 640, 360, 5000, "etag")


def source_error(
    code: ErrorCode = ErrorCode.SOURCE_UNAVAILABLE,
    upstream: str = HOST,
    retry_after_seconds: float | None = None,
) -> AttemptError:
    host = host_of(f"https://{upstream}")
    return AttemptError(code, "no", upstream=host, retry_after_seconds=retry_after_seconds)


def storage_error(
    code: ErrorCode = ErrorCode.STORAGE_UNAVAILABLE, retry_after_seconds: float | None = None
) -> AttemptError:
    return AttemptError(
        code, "no", upstream=STORAGE_UPSTREAM, retry_after_seconds=retry_after_seconds
    )
