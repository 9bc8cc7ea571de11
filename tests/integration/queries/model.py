"""What may be true of a row: the rules of the table, said once more in plain Python."""

from dataclasses import dataclass
from uuid import UUID

from storyboard_worker.models import Claim

LIMIT = 3  # the setting MAX_ATTEMPTS


@dataclass
class ModelRow:
    url: str
    max_attempts: int | None = None
    priority: int = 0
    due: bool = True
    expired: bool = False
    status: str = "pending"
    attempts: int = 0
    token: UUID | None = None
    lapsed: bool = False
    error_code: str | None = None

    @property
    def limit(self) -> int:
        return self.max_attempts or LIMIT

    @property
    def claimable(self) -> bool:
        return self.status == "pending" and self.due and not self.expired

    @property
    def rescuable(self) -> bool:
        return self.status == "processing" and self.lapsed

    @property
    def expirable(self) -> bool:
        return self.status == "pending" and self.expired

    def claim(self, claim: Claim) -> None:
        self.status = "processing"
        self.attempts += 1
        self.token = claim.token
        self.lapsed = False
        assert claim.attempt == self.attempts <= self.limit == claim.max_attempts

    def end(self, status: str, error_code: str | None = None, *, due: bool = True) -> None:
        self.status = status
        self.error_code = error_code
        self.due = due
        self.token = None

    def start_afresh(self) -> None:
        self.end("pending")
        self.attempts = 0

    def rescue(self) -> None:
        if self.attempts >= self.limit:
            self.end("failed", "worker_lost")
        else:
            self.end("pending", self.error_code)

    def seen(self) -> tuple[object, ...]:
        """What the table shows of it."""
        return (self.url, self.status, self.attempts, self.token, self.error_code)


SEEN = "source_url, status, attempts, claim_token, error_code"
