"""What each error code means in words, and what to type next."""

from uuid import UUID

from storyboard_worker.errors import ErrorCode

IN_WORDS = {
    ErrorCode.SOURCE_UNAUTHORIZED: "The source wants credentials",
    ErrorCode.SOURCE_FORBIDDEN: "The source says the link is forbidden",
    ErrorCode.SOURCE_EXPIRED: "The link had expired",
    ErrorCode.SOURCE_NOT_FOUND: "The source has no such image",
    ErrorCode.SOURCE_RATE_LIMITED: "The source limits our rate",
    ErrorCode.SOURCE_TIMEOUT: "The source does not answer in time",
    ErrorCode.SOURCE_UNAVAILABLE: "The source is unavailable",
    ErrorCode.SOURCE_BLOCKED: "The source's address is not allowed",
    ErrorCode.SOURCE_REJECTED: "The source refuses the request",
    ErrorCode.IMAGE_TRUNCATED: "The image arrives incomplete",
    ErrorCode.IMAGE_INVALID: "What the source sends is no image",
    ErrorCode.IMAGE_TOO_LARGE: "The image is too large",
    ErrorCode.STORAGE_UNAUTHORIZED: "Cloudinary refuses our credentials",
    ErrorCode.STORAGE_RATE_LIMITED: "Cloudinary limits our rate",
    ErrorCode.STORAGE_REJECTED: "Cloudinary rejects the image",
    ErrorCode.STORAGE_UNAVAILABLE: "Cloudinary is unavailable",
    ErrorCode.STORAGE_MISMATCH: "Cloudinary stored something else",
    ErrorCode.ATTEMPT_TIMEOUT: "An attempt took too long",
    ErrorCode.WORKER_LOST: "A worker vanished in a row's last attempt",
    ErrorCode.UNEXPECTED: "An unexpected error",
}

# The image is gone: another attempt cannot succeed.
GONE = frozenset({ErrorCode.SOURCE_EXPIRED, ErrorCode.SOURCE_NOT_FOUND})


def title(code: ErrorCode, upstream: str) -> str:
    return f"{IN_WORDS[code]}: {upstream}"


def next_step(code: ErrorCode, storyboard_id: UUID) -> str:
    """The commands to look at a row that failed with ``code``, and to put all such rows back."""
    look = f"storyboard-worker show {storyboard_id}"
    if code in GONE:
        return f"{look}; generate the images again: storyboard-worker list --error-code {code}"
    return f"{look}; when fixed: storyboard-worker retry --error-code {code}"
