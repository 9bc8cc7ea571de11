"""The errors of the worker, as a small tree.

    StoryboardWorkerError
    ├── AttemptError         one attempt on one row ended badly; carries the contract's code
    │   └── ResourceExhausted  this worker lacks something
    ├── AttemptCancelled     the attempt was stopped (shutdown, lost lease)
    ├── LeaseLost            the row belongs to another claim: drop the result, report nothing
    ├── DatabaseUnavailable  the database is away or too busy; waiting helps
    │   ├── NotReached       there was no connection, so nothing was sent
    │   ├── CommitInDoubt    the answer is missing; the transaction may be committed
    │   └── RowsHidden       row-level security hides the rows from the worker's role
    ├── DataRefused          a value is to blame: one of the row, or one that was written
    ├── SchemaOutdated       the database answers but is not migrated
    └── SettingsError        a setting is wrong or missing; the command ends

The code of an :class:`AttemptError` decides what follows (another attempt, failure, release), in
:mod:`storyboard_worker.attempts.policy`.
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
    """The root of the tree."""


class AttemptError(StoryboardWorkerError):
    """One attempt on one row ended badly.

    ``message`` is one sentence for the engineer and never holds a signed URL.
    ``upstream`` is the source's host or ``cloudinary``; ``None`` where neither is to blame.
    ``retry_after_seconds`` is what the upstream asked for, if it did.
    ``maybe_stored`` is the public id under which a picture may be stored all the same.
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
        self.maybe_stored: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def in_ascii(self) -> "AttemptError":
        """This error in ASCII, which every database can hold."""
        told = AttemptError(
            self.code,
            self.message.encode("ascii", "replace").decode(),
            upstream=self.upstream,
            retry_after_seconds=self.retry_after_seconds,
            http_status=self.http_status,
            request_id=self.request_id,
        )
        told.maybe_stored = self.maybe_stored
        return told


class Resource(StrEnum):
    """What a worker may lack."""

    DESCRIPTORS = "file descriptors"
    MEMORY = "memory"
    THREADS = "threads"
    SPOOL = "room for the spool"


class ResourceExhausted(AttemptError):
    """This worker lacks something. Neither the row nor an upstream is to blame."""

    def __init__(self, resource: Resource, detail: str) -> None:
        super().__init__(ErrorCode.UNEXPECTED, f"this worker lacks {resource} ({detail})")
        self.resource = resource
        self.detail = detail


class AttemptCancelled(StoryboardWorkerError):
    """The attempt was stopped from outside. The code that stopped it takes care of the row."""


class LeaseLost(StoryboardWorkerError):
    """The row no longer carries the token of this claim."""


class DatabaseUnavailable(StoryboardWorkerError):
    """The database cannot be reached, or refuses work for now."""


class NotReached(DatabaseUnavailable):
    """No connection could be made, so nothing was sent."""


class CommitInDoubt(DatabaseUnavailable):
    """The answer to a COMMIT did not come. The transaction may be committed or not."""


class RowsHidden(DatabaseUnavailable):
    """Row-level security hides the rows from the worker's role."""


class DataRefused(StoryboardWorkerError):
    """The database refuses a value: one in a row, or one to be written.

    ``by_row``: a value of the row is to blame, not a trigger or a constraint of the owner's, which
    may refuse anything.
    """

    def __init__(self, message: str, *, by_row: bool = True) -> None:
        super().__init__(message)
        self.by_row = by_row


class SchemaOutdated(StoryboardWorkerError):
    """The tables are missing or older than this version; ``storyboard-worker migrate`` fixes it."""


class SettingsError(StoryboardWorkerError):
    """A setting is wrong or missing. The message is one line that names it and the fix."""
