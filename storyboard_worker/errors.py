"""Everything that can go wrong, as a small tree.

    StoryboardWorkerError
    ├── AttemptError         one attempt on one row ended badly; carries the contract's code
    │   └── ResourceExhausted  for a lack of our own
    ├── AttemptCancelled     somebody stopped the attempt (shutdown, lost lease)
    ├── LeaseLost            the claim is no longer ours: drop the result, tell nobody
    ├── DatabaseUnavailable  the database is away or too busy; waiting helps
    │   ├── NotReached       there was no connection: nothing was asked
    │   ├── CommitInDoubt    it may have done what it was asked for all the same
    │   └── RowsHidden       row-level security hides the table from our role
    ├── DataRefused          a value is to blame: a row's, or one that we wrote
    ├── SchemaOutdated       the database answers but is not migrated
    └── SettingsError        a setting is wrong or missing; the command ends

What follows from an :class:`AttemptError` (another attempt, failure, release) is not
decided here but in :mod:`storyboard_worker.attempts.policy`, from its code.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why an attempt ended badly; stored in ``storyboards.error_code``."""

    SOURCE_UNAUTHORIZED = "source_unauthorized"
    SOURCE_FORBIDDEN = "source_forbidden"
    SOURCE_EXPIRED = "source_expired"
    SOURCE_NOT_FOUND = "source_not_found"
    SOURCE_RATE_LIMITED = "source_rate_limited"
    SOURCE_TIMEOUT = "source_timeout"
    SOURCE_UNAVAILABLE = "source_unavailable"
    SOURCE_BLOCKED = "source_blocked"
    SOURCE_REJECTED = "source_rejected"
    IMAGE_TRUNCATED = "image_truncated"
    IMAGE_INVALID = "image_invalid"
    IMAGE_TOO_LARGE = "image_too_large"
    STORAGE_UNAUTHORIZED = "storage_unauthorized"
    STORAGE_RATE_LIMITED = "storage_rate_limited"
    STORAGE_REJECTED = "storage_rejected"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    STORAGE_MISMATCH = "storage_mismatch"
    ATTEMPT_TIMEOUT = "attempt_timeout"
    WORKER_LOST = "worker_lost"
    UNEXPECTED = "unexpected"


STORAGE_UPSTREAM = "cloudinary"


class StoryboardWorkerError(Exception):
    """Root of the tree."""


class AttemptError(StoryboardWorkerError):
    """One attempt on one row ended badly.

    ``message`` is one sentence for the engineer and never holds a signed URL.
    ``upstream`` is the source's host or ``cloudinary``; ``None`` where neither is to blame.
    ``retry_after_seconds`` is what the upstream asked for, if it did.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        upstream: str | None = None,
        retry_after_seconds: float | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.upstream = upstream
        self.retry_after_seconds = retry_after_seconds
        self.http_status = http_status
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def in_ascii(self) -> "AttemptError":
        """The same in characters that every database can hold."""
        return AttemptError(
            self.code,
            self.message.encode("ascii", "replace").decode(),
            upstream=self.upstream,
            retry_after_seconds=self.retry_after_seconds,
            http_status=self.http_status,
            request_id=self.request_id,
        )


class Resource(StrEnum):
    """What a worker may lack."""

    DESCRIPTORS = "file descriptors"
    MEMORY = "memory"
    THREADS = "threads"
    SPOOL = "room for the spool"


class ResourceExhausted(AttemptError):
    """This worker lacks something: neither the row nor an upstream is to blame."""

    def __init__(self, resource: Resource, detail: str) -> None:
        super().__init__(ErrorCode.UNEXPECTED, f"this worker lacks {resource} ({detail})")
        self.resource = resource
        self.detail = detail


class AttemptCancelled(StoryboardWorkerError):
    """The attempt was stopped from outside; whoever stopped it has dealt with the row."""


class LeaseLost(StoryboardWorkerError):
    """The row no longer carries our claim token."""


class DatabaseUnavailable(StoryboardWorkerError):
    """The database cannot be reached, or refuses work for now."""


class NotReached(DatabaseUnavailable):
    """No connection could be had, so nothing was asked on it."""


class CommitInDoubt(DatabaseUnavailable):
    """The answer to a COMMIT did not come: the transaction may or may not have been committed."""


class RowsHidden(DatabaseUnavailable):
    """Row-level security hides the rows from the role that we work with: nothing can be seen."""


class DataRefused(StoryboardWorkerError):
    """The database refuses a value: one that stands in a row, or one that was to be written.

    ``by_row``: a value of the row at hand is to blame, rather than a trigger or a constraint of
    the owner's, which may refuse anything.
    """

    def __init__(self, message: str, *, by_row: bool = True) -> None:
        super().__init__(message)
        self.by_row = by_row


class SchemaOutdated(StoryboardWorkerError):
    """The tables are missing or older than this version; ``storyboard-worker migrate`` fixes it."""


class SettingsError(StoryboardWorkerError):
    """A setting is wrong or missing; the message is one line that names it and the fix."""
